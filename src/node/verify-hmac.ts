/** HMAC-SHA256 verification with `node:crypto`, synchronous. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { VerifyHmac } from '../http/webhooks/hmac.ts'

/** Web Crypto runs in another thread; for two kilobytes that switch costs far more than the HMAC. */
export const verifyHmac: VerifyHmac = (secret, source, digest) => {
  const expected = createHmac('sha256', secret).update(source).digest()
  return expected.length === digest.length && timingSafeEqual(expected, digest)
}
