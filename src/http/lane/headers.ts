/** The headers of the lane's answers, made once for each origin: those that the doors give one by one. */
import { corsHeaders } from '../cors.ts'
import { isKnownHost } from '../known-hosts.ts'
import { securityHeaders } from '../security-headers.ts'

export interface HeaderRules {
  readonly origins: ReadonlySet<string>
  /** As `GatewayOptions` has them; null where any name will do. */
  readonly knownHosts: readonly string[] | null
  readonly https: boolean
}

/** Where a request comes from, by its headers. */
export interface Origin {
  /** Null where no page asks. */
  readonly origin: string | null
  /** The Host header. */
  readonly host: string
}

/** Names and values in turn, as Node writes them; null for whoever is to be refused. */
export type LaneHeaders = (from: Origin, mediaType: string) => readonly string[] | null

/** What a stream of events needs to come through proxies one by one. */
const STREAM = {
  connection: 'keep-alive',
  'content-encoding': 'none',
  'cache-control': 'no-store, no-transform',
  'x-accel-buffering': 'no',
}

export function createLaneHeaders({ origins, knownHosts, https }: HeaderRules): LaneHeaders {
  const made = new Map<string, readonly string[]>()

  function make(origin: string | null, mediaType: string): readonly string[] {
    const isStream = mediaType.startsWith('text/event-stream')
    return Object.entries({
      ...securityHeaders({ https }),
      ...(origin === null ? {} : corsHeaders(origin)),
      ...(isStream ? STREAM : {}),
      vary: 'Origin',
      'content-type': mediaType,
    }).flat()
  }

  return ({ origin, host }, mediaType) => {
    if (origin !== null && !origins.has(origin)) return null
    if (knownHosts !== null && !isKnownHost(knownHosts, host.replace(/:\d*$/, ''))) return null
    // Of both there are few: listed origins, and media types that Yoga answers with.
    const key = origin === null ? mediaType : `${mediaType} ${origin}`
    const headers = made.get(key) ?? make(origin, mediaType)
    made.set(key, headers)
    return headers
  }
}
