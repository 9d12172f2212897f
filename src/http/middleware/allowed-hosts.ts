/**
 * Host allow-list for gateways with authentication disabled, against DNS rebinding: a page of an
 * attacker's domain that resolves to this machine sends that domain in its Host header.
 */
import { type Handler, textResponse } from '../handler.ts'

/**
 * Hosts that an attacker cannot register in DNS, so that a page of theirs cannot have them: IP addresses,
 * names without a dot (`localhost`, a machine of the local network), and `*.localhost`. The emulator has
 * the same rule.
 */
const LOCAL_HOST = /^(?:[^.]+|.+\.localhost|\d{1,3}(?:\.\d{1,3}){3}|\[[\da-f:.]+\])$/i

/** @param hostname without a port */
export function isAllowedHost(hosts: readonly string[], hostname: string): boolean {
  return LOCAL_HOST.test(hostname) || hosts.includes(hostname)
}

/**
 * Responds 421 unless the Host is local or one of these.
 * @param hosts without ports
 */
export function withAllowedHosts(hosts: readonly string[], endpoint: Handler): Handler {
  return async (request, client) => {
    // The router rejects malformed URLs.
    const hostname = URL.canParse(request.url) ? new URL(request.url).hostname : 'localhost'
    if (isAllowedHost(hosts, hostname)) return endpoint(request, client)
    return textResponse(
      421,
      'Host not allowed while authentication is disabled. Use an IP address or a local name, set PUBLIC_URL, or set AUTH_JWT_SECRET.',
    )
  }
}
