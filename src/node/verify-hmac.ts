/** HMAC-SHA256 verification with `node:crypto`, synchronous. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { VerifyHmac } from '../http/webhooks/hmac.ts'

/** Web Crypto runs in another thread; for two kilobytes that switch costs far more than the HMAC. */
export const verifyHmac: VerifyHmac = (secret, source, digest) => {
  const own = createHmac('sha256', secret).update(source).digest()
  return own.length === digest.length && timingSafeEqual(own, digest)
}
