/** Callers with a valid token, as an identity provider would have signed it. */
import { createHmac } from 'node:crypto'

/** What the gateway verifies tokens with. */
export const JWT_SECRET = 'a secret of the benchmark, 32 bytes and more'

/** Seconds for which a token is valid: longer than the longest run. */
const VALID_SECONDS = 6 * 3600

/** The value of the Authorization header. https://www.rfc-editor.org/rfc/rfc7515 */
export function bearer(subject: string, scope?: 'uploads:admin'): string {
  const exp = Math.floor(Date.now() / 1000) + VALID_SECONDS
  const claims = scope === undefined ? { sub: subject, exp } : { sub: subject, exp, scope }
  const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`
  return `Bearer ${signed}.${createHmac('sha256', JWT_SECRET).update(signed).digest('base64url')}`
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}
