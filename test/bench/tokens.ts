/** Signs tokens as an identity provider would. */
import { createHmac } from 'node:crypto'

/** Secret with which the gateway verifies tokens. */
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

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
