import { decay, naturalLog } from './elementary.ts'

/**
 * The rational approximations of W. J. Cody, "Rational Chebyshev Approximations for the Error Function", Mathematics of
 * Computation 23 (1969), highest power first: erf near 0, and erfc with e^(-x^2) taken out, in the middle and far out.
 */
const NEAR = {
  over: [0.18577770618460315, 3.1611237438705655, 113.86415415105016, 377.485237685302, 3209.3775891384694],
  under: [1, 23.601290952344122, 244.02463793444417, 1282.6165260773723, 2844.236833439171],
}
const MIDDLE = {
  over: [
    2.1531153547440383e-8, 0.5641884969886701, 8.883149794388377, 66.11919063714163, 298.6351381974001,
    881.952221241769, 1712.0476126340707, 2051.0783778260716, 1230.3393547979972,
  ],
  under: [
    1, 15.744926110709835, 117.6939508913125, 537.1811018620099, 1621.3895745666903, 3290.7992357334597,
    4362.619090143247, 3439.3676741437216, 1230.3393548037495,
  ],
}
const FAR = {
  over: [
    0.016315387137302097, 0.30532663496123236, 0.36034489994980445, 0.12578172611122926, 0.016083785148742275,
    0.0006587491615298378,
  ],
  under: [1, 2.568520192289822, 1.8729528499234673, 0.5279051029514285, 0.06051834131244132, 0.0023352049762686918],
}
const ONE_OVER_SQRT_PI = 0.5641895835477563
const NEAR_TO = 0.46875
const MIDDLE_TO = 4
/** Beyond this below the mean, the chance of coming still earlier is lost in the rounding of what is said. */
const LOWEST_Y = -9

interface Quotient {
  readonly over: readonly number[]
  readonly under: readonly number[]
}

function polynomial(coefficients: readonly number[], x: number): number {
  let sum = 0
  for (const coefficient of coefficients) sum = sum * x + coefficient
  return sum
}

const quotient = ({ over, under }: Quotient, x: number): number => polynomial(over, x) / polynomial(under, x)

/** e^(x^2) erfc(x), for x above 0.46875. It stays between 0 and 1 however small erfc is. */
function scaledErfc(x: number): number {
  if (x <= MIDDLE_TO) return quotient(MIDDLE, x)
  const square = 1 / (x * x)
  return (ONE_OVER_SQRT_PI - square * quotient(FAR, square)) / x
}

/**
 * -ln of the chance that a normally distributed value is more than `y` standard deviations above its mean: of 1 - F in
 * the paper on phi accrual. It grows with `y`, from 0 to about y^2 / 2, and does not run out of numbers where the chance itself
 * does (at 38 standard deviations).
 *
 * Out of + - * / alone, so equal to the bit in every engine. Off by less than 1e-15 (1 + result).
 */
export function normalTailNats(y: number): number {
  if (y < LOWEST_Y) return 0
  const x = y / Math.SQRT2
  if (x >= -NEAR_TO && x <= NEAR_TO) return -naturalLog(0.5 - 0.5 * x * quotient(NEAR, x * x))
  if (x > 0) return x * x - naturalLog(0.5 * scaledErfc(x))
  return -naturalLog(1 - 0.5 * decay(x * x) * scaledErfc(-x))
}

/** How far a value must lie above the mean for {@link normalTailNats} to reach `nats`, in standard deviations. */
export function deviationsFor(nats: number): number {
  let below = LOWEST_Y
  // The result is more than y^2 / 2 for every y above 0.
  let above = Math.sqrt(2 * nats) + 1
  for (;;) {
    const middle = below + (above - below) / 2
    // Nothing lies between the two any more.
    if (middle <= below || middle >= above) return above
    if (normalTailNats(middle) < nats) below = middle
    else above = middle
  }
}
