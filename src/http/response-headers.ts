/** The headers of answers that no door gives: those that the doors' answers get one by one, made once. */
import { corsHeaders } from './middleware/cors.ts'
import { securityHeaders } from './middleware/security-headers.ts'

export interface HeaderRules {
  readonly origins: ReadonlySet<string>
  readonly https: boolean
}

/**
 * Names and values in turn, as Node writes them: the same list for the same two. A page of another
 * origin (null where no page asks) can read the answer only where its origin is listed.
 */
export type AnswerHeaders = (origin: string | null, mediaType: string) => readonly string[]

/** What a stream of events needs to come through proxies one by one. */
const STREAM = {
  connection: 'keep-alive',
  'content-encoding': 'none',
  'cache-control': 'no-store, no-transform',
  'x-accel-buffering': 'no',
}

export function createAnswerHeaders({ origins, https }: HeaderRules): AnswerHeaders {
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

  return (origin, mediaType) => {
    const listed = origin !== null && origins.has(origin) ? origin : null
    // Of both there are few: listed origins, and media types that we answer with.
    const key = listed === null ? mediaType : `${mediaType} ${listed}`
    const headers = made.get(key) ?? make(listed, mediaType)
    made.set(key, headers)
    return headers
  }
}
