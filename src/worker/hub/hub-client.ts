/** The way from a request to the hub, by calls and by a WebSocket. */
import type { Allowances } from '../../uploads/ports/rate-limiter.ts'
import type { HubLine } from '../../pubsub/durable-object-pubsub.ts'
import { StoreUnavailable } from '../../uploads/ports/store-unavailable.ts'
import type { Clock } from '../../uploads/dependencies.ts'
import type { HubCalls } from '../hub-rpc.ts'
import { hearFrom } from './hub-subscription.ts'
import type { ObjectNamespace, Stub } from '../runtime-types.ts'

/** There is one for all of a deployment's requests. */
const NAME = 'hub'
/** Where it is asked to pass on changes; its host is nobody's. */
export const LISTEN_URL = 'https://hub/listen'

/**
 * Rejects with `StoreUnavailable` where the hub cannot be reached.
 * @param name which hub, for tests that have many
 */
export function createHubLine(
  namespace: ObjectNamespace<HubCalls>,
  clock: Pick<Clock, 'wait'>,
  name = NAME,
): HubLine & HubCalls {
  // A stub belongs to the request that made it, and is of no use after a failure.
  const hub = (): Stub<HubCalls> => namespace.get(namespace.idFromName(name))

  async function reached<T>(call: (hub: Stub<HubCalls>) => Promise<T>): Promise<T> {
    try {
      return await call(hub())
    } catch (error) {
      if (!isPassing(error)) throw new StoreUnavailable(error)
    }
    try {
      return await call(hub())
    } catch (error) {
      throw new StoreUnavailable(error)
    }
  }

  const allowances: Allowances = {
    take: (key, within) => reached((to) => to.take(key, within)),
    hold: (key, milliseconds) => reached((to) => to.hold(key, milliseconds)),
    taken: (key, spanMs) => reached((to) => to.taken(key, spanMs)),
  }
  return {
    ...allowances,
    tell: (changes) => reached((to) => to.tell(changes)),
    glance: (uid) => reached((to) => to.glance(uid)),
    round: () => reached((to) => to.round()),
    listen: (topic, hear, lost) =>
      reached(async (to) => {
        const address = `${LISTEN_URL}?${new URLSearchParams({ topic }).toString()}`
        const response = await to.fetch(new Request(address, { headers: { upgrade: 'websocket' } }))
        const socket = response.webSocket
        if (socket === null) throw new Error(`The hub answered ${response.status}.`)
        return hearFrom(socket, clock, hear, lost)
      }),
  }
}

/** "Errors that are retryable": the object was moved or restarted, and stands elsewhere by now. */
function isPassing(error: unknown): boolean {
  return error instanceof Error && 'retryable' in error && error.retryable === true
}
