/** Whether somebody with the secret has signed some bytes: Node's own way, at once and on the spot. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IsSigned } from '../http/webhooks/hmac.ts'

/** For two kilobytes the way to another thread and back, which Web Crypto takes, costs far more. */
export const isSignedByNode: IsSigned = (secret, source, digest) => {
  const own = createHmac('sha256', secret).update(source).digest()
  return own.length === digest.length && timingSafeEqual(own, digest)
}
