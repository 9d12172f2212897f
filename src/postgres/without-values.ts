/** Errors of PostgreSQL as they may be logged: some of the values that were given are secrets. */

/**
 * The innermost cause says what happened; those around it repeat the statement with its values, and
 * PostgreSQL's own has a detail that quotes the row. What is left is its sentence and its code.
 */
export function withoutValues(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error))
  if (error.cause instanceof Error) return withoutValues(error.cause)
  // The driver hangs its connection on it, with all that was ever given to that.
  if ('client' in error) return new Error(error.message)
  if (!('severity' in error)) return error
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'no code'
  return new Error(`PostgreSQL: ${error.message} (${code})`)
}
