/** Reads the `code` of Node and SQLite errors, such as EADDRINUSE, also down the chain of causes. */

/** Null if the error has no code. */
export function errorCodeOf(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error)) return null
  return typeof error.code === 'string' ? error.code : null
}

/** Returns the code or message of the innermost cause. Outer messages may contain SQL and secrets. */
export function rootCauseMessage(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error
    ? rootCauseMessage(error.cause)
    : (errorCodeOf(error) ?? error.message)
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
