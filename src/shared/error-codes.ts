/** Reads what Node and SQLite put beside the sentence of an error, such as EADDRINUSE. */

/** Null where there is none. */
export function codeOf(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error)) return null
  return typeof error.code === 'string' ? error.code : null
}
