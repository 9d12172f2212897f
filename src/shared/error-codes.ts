/** Reads the `code` of Node and SQLite errors, such as EADDRINUSE. */

/** Null if the error has no code. */
export function errorCodeOf(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error)) return null
  return typeof error.code === 'string' ? error.code : null
}

/** Maximum length of the chain of causes that is read. */
const MAX_CAUSES = 5

/**
 * Returns codes or names down the chain of causes, outermost first, such as ["TypeError", "ECONNRESET"].
 * Safe to log: contains no URL, header or response body.
 */
export function errorCodeChain(error: unknown): string[] {
  const codes: string[] = []
  let current = error
  for (let depth = 0; depth < MAX_CAUSES && current instanceof Error; depth += 1) {
    const code = 'code' in current && typeof current.code === 'string' ? current.code : current.name
    if (/^\w{1,60}$/.test(code)) codes.push(code)
    current = current.cause
  }
  return codes
}
