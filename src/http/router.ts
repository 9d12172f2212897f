/** Sends each request to its door, and notes what came of it. */
import type { Telemetry } from '../uploads/ports/telemetry.ts'
import type { Log } from '../uploads/dependencies.ts'
import { type Door, type Visitor, say } from './handler.ts'
import { failureOf } from './middleware/error-response.ts'
import type { NoteAnswer } from './middleware/access-log.ts'

/**
 * A door that throws is our own failure: logged, and a 500 with an id, or a 503 while the database is away. To be put around a door before
 * CORS is, so that a page can read the id.
 */
export function withApology(log: Log, door: Door): Door {
  return async (request, visitor) => {
    try {
      return await door(request, visitor)
    } catch (error) {
      if (request.signal.aborted) return say(499, 'The client went away.')
      const requestId = visitor?.requestId ?? crypto.randomUUID()
      const { status, sentence, headers } = failureOf(log, error, requestId)
      return say(status, sentence, headers)
    }
  }
}

/** `doors` by exact path; none of them throws. */
export function createRouter(
  doors: Readonly<Record<string, Door>>,
  telemetry: Pick<Telemetry, 'answered'>,
  noteAnswer: NoteAnswer,
): Door {
  const byPath = new Map(Object.entries(doors))
  const paths = [...byPath.keys()].join(', ')

  return async (request, visitor?: Visitor) => {
    // A malformed Host header makes an address that is none.
    if (!URL.canParse(request.url)) return say(400, 'The address or the Host header is malformed.')
    const { pathname: path } = new URL(request.url)
    const { method } = request
    const door = byPath.get(path)
    if (door === undefined) {
      telemetry.answered(null, method, 404)
      return say(404, `There is no such door. There are: ${paths}`)
    }

    const startedAt = performance.now()
    const response = await door(request, visitor)
    const { status } = response
    const requestId = visitor?.requestId
    const client = (): string | null => visitor?.address ?? null
    noteAnswer({ path, method, status, requestId, startedAt, client })
    return response
  }
}
