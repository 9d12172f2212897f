/**
 * Reads single fields of what Stream says. It may leave a field out, send null, or send a shape that
 * nobody has seen: each reader then gives null, so that one odd field does not cost the others. They
 * are read by hand because every call passes here, and a schema spends more on it than the network.
 */

/** Fields by name, of which nothing is known yet. */
export type Fields = Readonly<Record<string, unknown>>

/** Whether it is an object as JSON knows them: no list, and not null. */
export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const NO_FIELDS: Fields = {}

/** Its fields; none where it is something else. */
export function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : NO_FIELDS
}

/** Text that says something; null where absent, empty or not text. */
export function readText(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

/** A number from zero up, also when written as text; null where absent or -1. */
export function readCount(value: unknown): number | null {
  const number = readNumber(value)
  return number !== null && number >= 0 ? number : null
}

/** A number above zero. Stream says "unknown" and "unset" with null, with 0 and with -1. */
export function readAmount(value: unknown): number | null {
  const number = readNumber(value)
  return number !== null && number > 0 ? number : null
}

/** A whole number above zero, at most this: what GraphQL could not write down is not known. */
export function readWhole(value: unknown, most: number): number | null {
  const amount = readAmount(value)
  return amount !== null && Number.isSafeInteger(amount) && amount <= most ? amount : null
}

// Stream writes some numbers as text: "pctComplete": "39.000000", "total": "35586".
function readNumber(value: unknown): number | null {
  const isWritten = typeof value === 'string' && /^\d+(\.\d+)?$/.test(value)
  const number = isWritten ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number : null
}

/** A moment in RFC 3339 with 0 to 9 digits of fraction; null where absent or not a moment. */
export function readMoment(value: unknown): Date | null {
  if (typeof value !== 'string') return null
  const parts = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(value)
  if (parts === null) return null
  const [, seconds = '', fraction = '', zone = ''] = parts
  const moment = new Date(`${seconds}.${fraction.padEnd(3, '0').slice(0, 3)}${zone}`)
  // Year 1 is how a Go program writes a time that was never set.
  return Number.isNaN(moment.getTime()) || moment.getUTCFullYear() <= 1 ? null : moment
}

/** An address that a browser may open: http or https only, whatever else a field may hold. */
export function readAddress(value: unknown): string | null {
  if (typeof value !== 'string') return null
  const address = value.trim()
  return /^https?:\/\/[^\t\r\n]+$/i.test(address) && URL.canParse(address) ? address : null
}
