/** Client address of a request, with `X-Forwarded-For` of trusted proxies. */
import { isIP } from 'node:net'
import type { TrustedProxies } from '../../config/trusted-proxies.ts'

/**
 * Returns the client's address: the last one in `X-Forwarded-For` that is not a trusted proxy. Earlier
 * entries may be forged by the client. Null if unknown.
 * https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/X-Forwarded-For
 */
export function clientAddress(
  peer: string | undefined,
  forwardedFor: string | undefined,
  proxies: TrustedProxies,
): string | null {
  // The common case: without the header, the proxies need not be checked.
  if (forwardedFor === undefined) return unmapped(peer ?? '') || null
  const hops = forwardedFor.split(',').map((hop) => unmapped(hop.trim()))
  let address = unmapped(peer ?? '')
  while (isTrusted(address, proxies)) {
    const next = hops.pop()
    if (next === undefined || isIP(next) === 0) break
    address = next
  }
  return address === '' ? null : address
}

/** Whether the connection comes from a trusted proxy. */
export function isFromTrustedProxy(peer: string | undefined, proxies: TrustedProxies): boolean {
  return isTrusted(unmapped(peer ?? ''), proxies)
}

function isTrusted(address: string, proxies: TrustedProxies): boolean {
  const version = isIP(address)
  return version !== 0 && proxies.check(address, version === 6 ? 'ipv6' : 'ipv4')
}

/** Returns an IPv4-mapped IPv6 address as IPv4. */
function unmapped(address: string): string {
  return address.replace(/^::ffff:(?=\d{1,3}(?:\.\d{1,3}){3}$)/i, '')
}
