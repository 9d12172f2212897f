/**
 * The token in the fragment of the page's address, as in an upload link for a guest: `/#token=JWT`. Browsers send
 * no fragment to a server, so that the token is in no log and no `Referer` header. It stays in the browser's own
 * history, which a page cannot change.
 */
import { tokenIn } from '../http/pages/auth-mode.ts'

const PREFIX = '#token='

/** Returns the token, and removes it from the address and from the tab's Back. Returns null without a token. */
export function takeTokenFromAddress(): string | null {
  const { hash, pathname, search } = location
  if (!hash.startsWith(PREFIX)) return null
  history.replaceState(null, '', pathname + search)
  return tokenIn(hash.slice(PREFIX.length))
}
