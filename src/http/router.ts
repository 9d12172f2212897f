/** Sends each request to its door, and answers for doors that fail. */
import type { Log } from '../uploads/parts.ts'
import { type Door, say } from './door.ts'

/** `doors` by exact path. A door that throws is our own failure: logged, and a 500 with an id. */
export function createRouter(doors: Readonly<Record<string, Door>>, log: Log): Door {
  const byPath = new Map(Object.entries(doors))
  const paths = [...byPath.keys()].join(', ')
  return async (request) => {
    // A malformed Host header makes an address that is none.
    if (!URL.canParse(request.url)) return say(400, 'The address or the Host header is malformed.')
    const { pathname } = new URL(request.url)
    const door = byPath.get(pathname)
    if (door === undefined) return say(404, `There is no such door. There are: ${paths}`)
    try {
      return await door(request)
    } catch (error) {
      if (request.signal.aborted) return say(499, 'The client went away.')
      const requestId = crypto.randomUUID()
      log.error({ requestId, path: pathname, err: error }, 'unexpected error')
      return say(500, `Unexpected error. Ask for it by this id: ${requestId}`)
    }
  }
}
