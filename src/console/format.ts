/** Formats bytes, rates, durations and minutes for display. */

const UNITS = ['bytes', 'KB', 'MB', 'GB'] as const

/** Returns the power of 1000 of the largest unit that fits. */
function powerOf(bytes: number): number {
  return bytes < 1000 ? 0 : bytes < 1e6 ? 1 : bytes < 1e9 ? 2 : 3
}

/** Formats without trailing zeros: `8`, `8.1`, `210`. */
function plain(number: number): string {
  return String(Number(number.toFixed(number < 100 ? 1 : 0)))
}

/** Formats as `12.3 MB`, in decimal units like Stream. */
export function formatBytes(bytes: number): string {
  const power = powerOf(bytes)
  return `${plain(bytes / 1000 ** power)} ${UNITS[power] ?? 'GB'}`
}

/** Formats as `12.3 of 210 MB`, with a fixed number of digits so that the text does not jump. */
export function formatProgress(bytes: number, total: number): string {
  const power = powerOf(total)
  const sent = bytes / 1000 ** power
  const isWhole = bytes >= total || bytes === 0
  return `${isWhole ? plain(sent) : sent.toFixed(power === 0 ? 0 : 1)} of ${formatBytes(total)}`
}

/** Formats as `4.1 MB/s`. */
export function formatRate(bytesPerSecond: number): string {
  const power = powerOf(bytesPerSecond)
  const number = bytesPerSecond / 1000 ** power
  return `${number.toFixed(number < 100 ? 1 : 0)} ${UNITS[power] ?? 'GB'}/s`
}

/** Formats as `40 s`, `3 min 20 s` or `1 h 5 min`. */
export function formatDuration(seconds: number): string {
  const total = seconds < 10 ? Math.round(seconds * 10) / 10 : Math.round(seconds)
  if (total < 60) return `${total} s`
  const minutes = Math.floor(total / 60)
  const rest = Math.round(total % 60)
  if (minutes < 60) return rest === 0 ? `${minutes} min` : `${minutes} min ${rest} s`
  const hours = Math.floor(minutes / 60)
  return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`
}

/** Formats a remaining time, rounded so that it does not flicker: `40 s`, `3 min`. */
export function formatTimeLeft(seconds: number): string {
  if (seconds < 10) return `${Math.max(1, Math.round(seconds))} s`
  if (seconds < 60) return `${Math.ceil(seconds / 5) * 5} s`
  return formatDuration(Math.ceil(seconds / 60) * 60)
}

/** Formats as `3 minutes` or `0.1 minutes`. */
export function formatMinutes(minutes: number): string {
  const shown = minutes < 10 ? Math.round(minutes * 10) / 10 : Math.round(minutes)
  return `${shown.toLocaleString('en')} ${shown === 1 ? 'minute' : 'minutes'}`
}
