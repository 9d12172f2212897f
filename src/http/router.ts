/** Sends each request to its door, and notes what came of it. */
import type { RefusalReason } from '../telemetry/telemetry.ts'
import type { Log, Parts } from '../uploads/parts.ts'
import { type Door, type Visitor, say } from './door.ts'

/** Answers that tell of somebody who should not be there, or of a client that is set up wrong. */
const REFUSALS: ReadonlySet<number> = new Set([401, 403, 421, 429])

/** What a status says of why somebody was turned away, for those who count them. */
const REASONS: ReadonlyMap<number, RefusalReason> = new Map([
  [401, 'unauthenticated'],
  [429, 'rate-limited'],
])

/**
 * A door that throws is our own failure: logged, and a 500 with an id. To be put around a door before
 * CORS is, so that a page can read the id.
 */
export function withApology(log: Log, door: Door): Door {
  return async (request, visitor) => {
    try {
      return await door(request, visitor)
    } catch (error) {
      if (request.signal.aborted) return say(499, 'The client went away.')
      const requestId = visitor?.requestId ?? crypto.randomUUID()
      log.error({ requestId, err: error }, 'unexpected error')
      return say(500, `Unexpected error. Ask for it by this id: ${requestId}`)
    }
  }
}

/** `doors` by exact path; none of them throws. */
export function createRouter(
  doors: Readonly<Record<string, Door>>,
  { clock, log, telemetry }: Pick<Parts, 'clock' | 'log' | 'telemetry'>,
): Door {
  const byPath = new Map(Object.entries(doors))
  const paths = [...byPath.keys()].join(', ')

  return async (request, visitor?: Visitor) => {
    // A malformed Host header makes an address that is none.
    if (!URL.canParse(request.url)) return say(400, 'The address or the Host header is malformed.')
    const { pathname: path } = new URL(request.url)
    const door = byPath.get(path)
    if (door === undefined) {
      telemetry.answered(null, request.method, 404)
      return say(404, `There is no such door. There are: ${paths}`)
    }

    const startedAt = clock.now().getTime()
    const response = await door(request, visitor)
    const { status } = response
    telemetry.answered(path, request.method, status)
    // The path of a door is one of a few; a query could hold anything, and is left out.
    const fields = {
      requestId: visitor?.requestId,
      method: request.method,
      path,
      status,
      milliseconds: clock.now().getTime() - startedAt,
      client: visitor?.address ?? null,
    }
    const reason = REASONS.get(status)
    if (reason !== undefined) telemetry.refused(path, reason)
    if (REFUSALS.has(status)) log.info(fields, 'refused')
    else log.debug(fields, 'answered')
    return response
  }
}
