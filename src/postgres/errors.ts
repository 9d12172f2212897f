/** Classifies PostgreSQL connection errors, and makes errors safe to log. */

/** System error codes: the server is unreachable, or the connection was cut. */
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
 * Server error codes: it is shutting down or starting.
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const SHUTDOWN_CODES: ReadonlySet<string> = new Set(['57P01', '57P02', '57P03'])

/** Server error codes: timeout, conflict, too many connections, full disk or read-only. */
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

/** Driver messages (it has no codes): the server did not respond within the client timeouts. */
const TIMEOUT_MESSAGES =
  /^(Connection terminated due to connection timeout|timeout expired|Query read timeout)/

/** Driver messages about a single connection, or a pool without a free connection. */
const CONNECTION_MESSAGES =
  /^(Connection terminated|timeout exceeded when trying to connect|Client was closed and is not queryable|Client has encountered a connection error|Cannot use a pool after calling end)/

/**
 * Classifies an error, including its causes: Drizzle wraps the driver's error. `unreachable`: other requests
 * will fail as well. `transient`: this request failed, the next may succeed. Null: not a connection error.
 */
export function classifyConnectionError(error: unknown): 'unreachable' | 'transient' | null {
  if (!(error instanceof Error)) return null
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (SYSTEM_CODES.has(code) || SHUTDOWN_CODES.has(code)) return 'unreachable'
  if (TIMEOUT_MESSAGES.test(error.message)) return 'unreachable'
  if (BUSY_CODES.has(code) || code.startsWith('08')) return 'transient'
  if (CONNECTION_MESSAGES.test(error.message)) return 'transient'
  // Contains one error per resolved address.
  if (error instanceof AggregateError) return classifyConnectionError(error.errors[0])
  return classifyConnectionError(error.cause)
}

/** Server error codes of writes that fail while reads succeed, with the fix for operators. */
const WRITE_FAILURES: ReadonlyMap<string, string> = new Map([
  [
    '25006',
    'PostgreSQL accepts no writes: it is a standby, or `default_transaction_read_only` is on. Name the primary server in DATABASE_URL, or turn the setting off and end the connections that have it.',
  ],
  ['53100', 'The disk of PostgreSQL is full. Free some space.'],
])

/** Returns why the server accepts no writes, as a message for operators; null for other errors. */
export function writeFailureReason(error: unknown): string | null {
  if (!(error instanceof Error)) return null
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  return WRITE_FAILURES.get(code) ?? writeFailureReason(error.cause)
}

/**
 * Returns an error that is safe to log, without bound values, some of which are secrets. Takes the innermost
 * cause, because outer errors repeat the statement with its values. Of a server error, only message and code
 * remain: its detail quotes the row.
 */
export function sanitizeError(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error))
  if (error.cause instanceof Error) return sanitizeError(error.cause)
  // The driver attaches its connection, which holds earlier queries and their values.
  if ('client' in error) return new Error(error.message)
  if (!('severity' in error)) return error
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'no code'
  return new Error(`PostgreSQL: ${error.message} (${code})`)
}
