/**
 * A gateway that asks nobody for a token must not be talked to by a page of a name that an attacker
 * has pointed at this machine: DNS rebinding. Such a page comes under its own name.
 */
import { type Door, say } from '../handler.ts'

/** What no attacker's DNS can answer for: addresses, names without a dot, and localhost's. */
const OUT_OF_REACH = /^(?:[^.]+|.+\.localhost|\d{1,3}(?:\.\d{1,3}){3}|\[[\da-f:.]+\])$/i

/** Whether a gateway without tokens answers under this name, which has no port. */
export function isKnownHost(hosts: readonly string[], hostname: string): boolean {
  return OUT_OF_REACH.test(hostname) || hosts.includes(hostname)
}

/** Answers only what is addressed by such a name, or to one of these hosts, without ports. */
export function withKnownHosts(hosts: readonly string[], door: Door): Door {
  return async (request, visitor) => {
    // What is no address at all is refused further inside, as everywhere.
    const hostname = URL.canParse(request.url) ? new URL(request.url).hostname : 'localhost'
    if (isKnownHost(hosts, hostname)) return door(request, visitor)
    return say(
      421,
      'Without tokens the gateway answers to addresses and local names only. Set PUBLIC_URL to the name that you use, or AUTH_JWT_SECRET to let callers prove who they are.',
    )
  }
}
