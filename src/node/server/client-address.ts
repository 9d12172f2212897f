/** Whose connection a request came by, where proxies stand in front that say so. */
import { type BlockList, isIP } from 'node:net'

/** Proxies that are believed when they say for whom they ask. */
export type TrustedProxies = BlockList

/** Adds an address or a network such as `10.0.0.0/8`; false where the text is neither. */
export function trustProxy(proxies: TrustedProxies, text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/')
  const version = isIP(address)
  if (version === 0 || rest.length > 0) return false
  const family = version === 6 ? 'ipv6' : 'ipv4'
  if (prefix === undefined) {
    proxies.addAddress(address, family)
    return true
  }
  const bits = /^\d{1,3}$/.test(prefix) ? Number(prefix) : Infinity
  if (bits > (version === 6 ? 128 : 32)) return false
  proxies.addSubnet(address, bits, family)
  return true
}

/**
 * The client's own address: the last one in `X-Forwarded-For` that no trusted proxy has. What stands
 * before it the client may have made up. Null where nobody knows.
 * https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/X-Forwarded-For
 */
export function clientAddress(
  peer: string | undefined,
  forwardedFor: string | undefined,
  proxies: TrustedProxies,
): string | null {
  // As most requests come: nothing is claimed, and so nobody need be believed.
  if (forwardedFor === undefined) return plain(peer ?? '') || null
  const hops = forwardedFor.split(',').map((hop) => plain(hop.trim()))
  let address = plain(peer ?? '')
  while (isTrusted(address, proxies)) {
    const next = hops.pop()
    if (next === undefined || isIP(next) === 0) break
    address = next
  }
  return address === '' ? null : address
}

/** Whether the request comes by a proxy that is believed. */
export function isFromTrusted(peer: string | undefined, proxies: TrustedProxies): boolean {
  return isTrusted(plain(peer ?? ''), proxies)
}

function isTrusted(address: string, proxies: TrustedProxies): boolean {
  const version = isIP(address)
  return version !== 0 && proxies.check(address, version === 6 ? 'ipv6' : 'ipv4')
}

/** IPv4 as such, where Node shows it inside IPv6. */
function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d{1,3}(?:\.\d{1,3}){3}$)/i, '')
}
