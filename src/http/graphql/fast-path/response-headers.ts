/** Whom the lane answers, by where a request comes from, and with which headers. */
import type { AnswerHeaders } from '../../response-headers.ts'
import { isKnownHost } from '../../middleware/allowed-hosts.ts'

/** Who is let in. */
export interface LaneRules {
  readonly origins: ReadonlySet<string>
  /** As `GatewayOptions` has them; null where any name will do. */
  readonly knownHosts: readonly string[] | null
}

/** Where a request comes from, by its headers. */
export interface Origin {
  /** Null where no page asks. */
  readonly origin: string | null
  /** The Host header. */
  readonly host: string
}

/** As `AnswerHeaders` has them; null for whoever is to be refused. */
export type LaneHeaders = (from: Origin, mediaType: string) => readonly string[] | null

export function createLaneHeaders(
  { origins, knownHosts }: LaneRules,
  answerHeaders: AnswerHeaders,
): LaneHeaders {
  return ({ origin, host }, mediaType) => {
    if (origin !== null && !origins.has(origin)) return null
    if (knownHosts !== null && !isKnownHost(knownHosts, host.replace(/:\d*$/, ''))) return null
    return answerHeaders(origin, mediaType)
  }
}
