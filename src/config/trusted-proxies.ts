import { type BlockList, isIP } from 'node:net'

/** Addresses of proxies whose forwarding headers are trusted. */
export type TrustedProxies = BlockList

/** Adds an address or a network such as `10.0.0.0/8`. Returns false if the text is neither. */
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
