/** The way from a request to the hub, by calls and by a WebSocket. */
import type { Allowances } from '../allowances/allowances.ts'
import type { HubLine } from '../events/durable-object.ts'
import { StoreUnavailable } from '../unavailable.ts'
import type { HubCalls } from './hub-calls.ts'
import type { ObjectNamespace, Stub } from './runtime.ts'

/** There is one for all of a deployment's requests. */
const NAME = 'hub'
/** Where it is asked to pass on changes; its host is nobody's. */
export const LISTEN_URL = 'https://hub/listen'
const NORMAL_CLOSURE = 1000

/** Rejects with `StoreUnavailable` where the hub cannot be reached. */
export function createHubLine(namespace: ObjectNamespace<HubCalls>): HubLine & HubCalls {
  // A stub belongs to the request that made it, and is of no use after a failure.
  const hub = (): Stub<HubCalls> => namespace.get(namespace.idFromName(NAME))

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
    take: (key, within, now) => reached((to) => to.take(key, within, now)),
    hold: (key, until) => reached((to) => to.hold(key, until)),
    taken: (key, spanMs, now) => reached((to) => to.taken(key, spanMs, now)),
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
        socket.addEventListener('message', ({ data }) => {
          if (typeof data === 'string') hear(data)
        })
        socket.addEventListener('close', lost)
        socket.addEventListener('error', lost)
        socket.accept()
        return () => socket.close(NORMAL_CLOSURE)
      }),
  }
}

/** "Errors that are retryable": the object was moved or restarted, and stands elsewhere by now. */
function isPassing(error: unknown): boolean {
  return error instanceof Error && 'retryable' in error && error.retryable === true
}
