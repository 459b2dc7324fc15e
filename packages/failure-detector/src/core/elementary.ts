/** Terms of the series of ln: with |s| <= 0.172, what follows the last one is below 1e-18. */
const LN_TERMS = 11
/** Terms of the series of exp: with an argument of at most 1 in size, what follows the last one is below 1e-17. */
const EXP_TERMS = 18

/**
 * ln x, for x more than 0 and at most 1.
 *
 * `Math.log` may differ between engines in the last digit, and so would what is decided with it. Here are only + - * /,
 * which IEEE 754 defines to the bit, and constants of `Math`, which are numbers and no functions. Off by less than 1e-15 of the result.
 */
export function naturalLog(x: number): number {
  let mantissa = x
  let halvings = 0
  // Doubling is exact.
  while (mantissa < Math.SQRT1_2) {
    mantissa *= 2
    halvings += 1
  }
  // ln m = 2 (s + s^3/3 + s^5/5 + …) with s = (m - 1) / (m + 1).
  const s = (mantissa - 1) / (mantissa + 1)
  const square = s * s
  let sum = 0
  for (let term = LN_TERMS; term >= 0; term--) sum = sum * square + 1 / (2 * term + 1)
  return 2 * s * sum - halvings * Math.LN2
}

/** e^-x, for x of 0 or more; out of + - * / for the same reason. Off by less than 1e-15 (1 + x) of the result. */
export function decay(x: number): number {
  let small = x
  let squarings = 0
  while (small > 1) {
    small /= 2
    squarings += 1
  }
  let sum = 1
  for (let term = EXP_TERMS; term >= 1; term--) sum = 1 - (sum * small) / term
  for (let i = 0; i < squarings; i++) sum *= sum
  return sum
}
