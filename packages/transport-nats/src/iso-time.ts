const MS_PER_DAY = 86_400_000
const DAYS_PER_ERA = 146_097
/** From the first of March of the year 0 to the beginning of the Unix epoch. */
const DAYS_BEFORE_EPOCH = 719_468

const padded = (value: number, digits: number): string => String(value).padStart(digits, '0')

/**
 * A time as RFC 3339 has it, in UTC. From the Unix epoch to the year 9999.
 *
 * Years are counted from March, so that the day which leap years add is the last of a year, and the lengths of the months follow one
 * formula (H. Hinnant, "chrono-compatible low-level date algorithms").
 */
export function toIsoTime(epochMs: number): string {
  const days = Math.floor(epochMs / MS_PER_DAY) + DAYS_BEFORE_EPOCH
  const era = Math.floor(days / DAYS_PER_ERA)
  const dayOfEra = days - era * DAYS_PER_ERA
  const leaps = Math.floor(dayOfEra / 1_460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096)
  const yearOfEra = Math.floor((dayOfEra - leaps) / 365)
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153)
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  const ms = Math.floor(epochMs) % MS_PER_DAY
  const part = (unitMs: number, count: number): string => padded(Math.floor(ms / unitMs) % count, 2)
  const time = `${part(3_600_000, 24)}:${part(60_000, 60)}:${part(1_000, 60)}.${padded(ms % 1_000, 3)}`
  return `${padded(year, 4)}-${padded(month, 2)}-${padded(day, 2)}T${time}Z`
}
