const LN2 = Math.LN2
const SQRT2 = Math.sqrt(2)

/**
 * -ln((draw + 1/2) / 2^32), for a whole `draw` from 0 to 2^32 - 1, made of + - * / alone: so it is the same in every engine, which that of `Math` need not be.
 * Off by less than 1e-14. It falls strictly: neighbouring draws differ by 2e-10 at least, thousands of times the error.
 */
export function negativeLog(draw: number): number {
  let mantissa = (draw + 0.5) / 2 ** 32
  let halvings = 0
  // Doubling is exact.
  while (mantissa < SQRT2 / 2) {
    mantissa *= 2
    halvings += 1
  }
  // ln m = 2 artanh((m - 1) / (m + 1)), and the argument is below 0.172.
  const t = (mantissa - 1) / (mantissa + 1)
  const square = t * t
  let sum = 0
  for (let n = 19; n >= 1; n -= 2) sum = sum * square + 1 / n
  return halvings * LN2 - 2 * t * sum
}
