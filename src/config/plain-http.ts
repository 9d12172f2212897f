/** Recognizes traffic that others can read. */

const LOOPBACK = /^(?:(?:.+\.)?localhost|127(?:\.\d{1,3}){3}|\[::1\])$/
/** Private networks, and names without a domain, such as those of containers. */
const PRIVATE = /^(?:10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.)[\d.]+$|^\[f[cd]|^[^.:]+$/

/** Whether traffic to this URL leaves the machine without encryption. */
export function isUnencrypted(address: string): boolean {
  const { protocol, hostname } = new URL(address)
  return protocol === 'http:' && !LOOPBACK.test(hostname)
}

/** Whether traffic to this URL leaves the private network without encryption, as far as the name shows. */
export function isPublicHTTP(address: string): boolean {
  return isUnencrypted(address) && !PRIVATE.test(new URL(address).hostname)
}
