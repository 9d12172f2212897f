/** Bytes, minutes and seconds as a person says them. */

const UNITS = ['bytes', 'KB', 'MB', 'GB'] as const

/** The power of 1000 whose unit suits so many bytes. */
function powerOf(bytes: number): number {
  return bytes < 1000 ? 0 : bytes < 1e6 ? 1 : bytes < 1e9 ? 2 : 3
}

/** `8`, `8.1` and `210`: what stands still has no digits that say nothing. */
function plain(number: number): string {
  return String(Number(number.toFixed(number < 100 ? 1 : 0)))
}

/** Such as `12.3 MB`; decimal, as Stream counts. */
export function sizeInWords(bytes: number): string {
  const power = powerOf(bytes)
  return `${plain(bytes / 1000 ** power)} ${UNITS[power] ?? 'GB'}`
}

/** Such as `12.3 of 210 MB`: one digit all the time, so that nothing jumps. */
export function progressInWords(bytes: number, whole: number): string {
  const power = powerOf(whole)
  const sent = bytes / 1000 ** power
  const isWhole = bytes >= whole || bytes === 0
  return `${isWhole ? plain(sent) : sent.toFixed(power === 0 ? 0 : 1)} of ${sizeInWords(whole)}`
}

/** Such as `4.1 MB/s`. */
export function speedInWords(bytesPerSecond: number): string {
  const power = powerOf(bytesPerSecond)
  const number = bytesPerSecond / 1000 ** power
  return `${number.toFixed(number < 100 ? 1 : 0)} ${UNITS[power] ?? 'GB'}/s`
}

/** Such as `40 s`, `3 min 20 s` or `1 h 5 min`. */
export function secondsInWords(seconds: number): string {
  const whole = seconds < 10 ? Math.round(seconds * 10) / 10 : Math.round(seconds)
  if (whole < 60) return `${whole} s`
  const minutes = Math.floor(whole / 60)
  const rest = Math.round(whole % 60)
  if (minutes < 60) return rest === 0 ? `${minutes} min` : `${minutes} min ${rest} s`
  const hours = Math.floor(minutes / 60)
  return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`
}

/** What is left, rounded so that it does not flicker: `40 s`, `3 min`. */
export function remainingInWords(seconds: number): string {
  if (seconds < 10) return `${Math.max(1, Math.round(seconds))} s`
  if (seconds < 60) return `${Math.ceil(seconds / 5) * 5} s`
  return secondsInWords(Math.ceil(seconds / 60) * 60)
}

/** Such as `3 minutes`, `0.1 minutes`. */
export function minutesInWords(minutes: number): string {
  const shown = minutes < 10 ? Math.round(minutes * 10) / 10 : Math.round(minutes)
  return `${shown.toLocaleString('en')} ${shown === 1 ? 'minute' : 'minutes'}`
}
