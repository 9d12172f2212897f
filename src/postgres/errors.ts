/** Tells an error of the way to PostgreSQL from one of what was asked. */

/** Of the system: there is no way to the server, or it was cut. */
const SYSTEM_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
])

/**
 * Of the server: it stops, or starts.
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const GONE_CODES: ReadonlySet<string> = new Set(['57P01', '57P02', '57P03'])

/** Of the server: it did not get to it in time, others were in the way, or it takes no writes. */
const BUSY_CODES: ReadonlySet<string> = new Set([
  '53300',
  '40001',
  '40P01',
  '57014',
  '57P05',
  '55P03',
  '53100',
  '25006',
  '25P03',
])

/** Sentences of the driver, which has no codes: the server is silent, though it gives up sooner than we do. */
const SILENCE =
  /^(Connection terminated due to connection timeout|timeout expired|Query read timeout)/
/** And those of one connection, or of a pool that has none free. */
const DRIVER_SENTENCES =
  /^(Connection terminated|timeout exceeded when trying to connect|Client was closed and is not queryable|Client has encountered a connection error|Cannot use a pool after calling end)/

/**
 * `gone`: there is no way to the server, and whoever else asks will find none either. `unanswered`:
 * this was not answered, and the next may be. Null for any other error, which is about what was
 * asked. Drizzle puts its own error around that of the driver.
 */
export function lossOf(error: unknown): 'gone' | 'unanswered' | null {
  if (!(error instanceof Error)) return null
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (SYSTEM_CODES.has(code) || GONE_CODES.has(code)) return 'gone'
  if (SILENCE.test(error.message)) return 'gone'
  if (BUSY_CODES.has(code) || code.startsWith('08')) return 'unanswered'
  if (DRIVER_SENTENCES.test(error.message)) return 'unanswered'
  // One for each address that a name stands for.
  if (error instanceof AggregateError) return lossOf(error.errors[0])
  return lossOf(error.cause)
}
