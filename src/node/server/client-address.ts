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
  let address = unmapped(peer ?? '')
  // Read from the end, up to the first address that is not trusted: a client may send thousands.
  let rest = forwardedFor
  while (isTrusted(address, proxies)) {
    const comma = rest.lastIndexOf(',')
    const next = unmapped(rest.slice(comma + 1).trim())
    if (isIP(next) === 0) break
    address = next
    if (comma === -1) break
    rest = rest.slice(0, comma)
  }
  return address === '' ? null : address
}

/**
 * Returns the network of a client: the /64 of an IPv6 address, because one client may use all of its addresses.
 * An IPv4 address is returned as it is.
 */
export function clientNetwork(address: string): string {
  if (isIP(address) !== 6) return address
  const [start = '', end] = address.split('::')
  const groups = start === '' ? [] : start.split(':')
  // Four zeros are enough, because only the first four groups are returned.
  const zeros = end === undefined ? [] : ['0', '0', '0', '0']
  return [...groups, ...zeros].slice(0, 4).join(':')
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
