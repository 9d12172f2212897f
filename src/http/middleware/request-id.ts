/** Gives each request a name by which its answer and its lines in the log find each other. */
import type { Parts } from '../../uploads/dependencies.ts'
import type { Door, Visitor } from '../handler.ts'
import { createRequestLog } from '../request-log.ts'

/** What a proxy in front may name a request; anything else could be a line of its own in a log. */
const NAME = /^[\w.-]{1,64}$/
const UNKNOWN: Visitor = { address: null }

/**
 * Returns what names a request: as a trusted proxy has named it, or anew. Cheap, because it is done
 * for each: a random prefix, made once, and a count.
 */
export function createRequestIds(): (given?: string | null) => string {
  let prefix: string | null = null
  let count = 0
  return (given = null) => {
    if (given !== null && NAME.test(given)) return given
    // Not before the first request: where nobody asks yet, Workers give no randomness.
    prefix ??= crypto.randomUUID().slice(0, 8)
    count += 1
    return `${prefix}-${count.toString(36)}`
  }
}

/** Hands the id on to the door, and answers it as `X-Request-Id`. */
export function withRequestIds(nextId: (given?: string | null) => string, door: Door): Door {
  return async (request, visitor = UNKNOWN) => {
    const requestId = nextId(visitor.requestId)
    const response = await door(request, { ...visitor, requestId })
    response.headers.set('x-request-id', requestId)
    return response
  }
}

/** The parts for work on one request: what they log carries its id. */
export function partsFor(parts: Parts, requestId: string | undefined): Parts {
  return requestId === undefined ? parts : { ...parts, log: createRequestLog(parts.log, requestId) }
}
