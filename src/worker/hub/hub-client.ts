/** Client of the hub: RPC, and subscriptions by WebSocket. */
import type { RateLimiter } from '../../uploads/ports/rate-limiter.ts'
import type { HubConnection } from '../../pubsub/durable-object-pubsub.ts'
import { StoreUnavailable } from '../../uploads/ports/store-unavailable.ts'
import type { Clock } from '../../shared/clock.ts'
import type { HubRpc } from '../hub-rpc.ts'
import { receiveFrom } from './hub-subscription.ts'
import type { DurableObjectNamespace, DurableObjectStub } from '../runtime-types.ts'

/** Name of the one hub of a deployment. */
const NAME = 'hub'

/** URL of the hub's subscription endpoint; the host is a placeholder. */
export const SUBSCRIBE_URL = 'https://hub/listen'

/**
 * Creates a client. Its calls reject with `StoreUnavailable` if the hub is unreachable.
 * @param name hub name, for tests with several hubs
 */
export function createHubClient(
  namespace: DurableObjectNamespace<HubRpc>,
  clock: Pick<Clock, 'wait'>,
  name = NAME,
): HubConnection & HubRpc {
  // One stub per call: a stub belongs to the request that created it, and is unusable after a failure.
  const hub = (): DurableObjectStub<HubRpc> => namespace.get(namespace.idFromName(name))

  async function callHub<T>(call: (hub: DurableObjectStub<HubRpc>) => Promise<T>): Promise<T> {
    try {
      return await call(hub())
    } catch (error) {
      if (!isRetryable(error)) throw new StoreUnavailable(error)
    }
    try {
      return await call(hub())
    } catch (error) {
      throw new StoreUnavailable(error)
    }
  }

  const rateLimiter: RateLimiter = {
    consume: (key, within) => callHub((to) => to.consume(key, within)),
    giveBack: (key, at) => callHub((to) => to.giveBack(key, at)),
    block: (key, milliseconds) => callHub((to) => to.block(key, milliseconds)),
    countConsumed: (key, spanMs) => callHub((to) => to.countConsumed(key, spanMs)),
  }
  return {
    ...rateLimiter,
    publish: (changes) => callHub((to) => to.publish(changes)),
    recordView: (uid) => callHub((to) => to.recordView(uid)),
    runSync: () => callHub((to) => to.runSync()),
    subscribe: (topic, onMessage, onLost) =>
      callHub(async (to) => {
        const address = `${SUBSCRIBE_URL}?${new URLSearchParams({ topic }).toString()}`
        const response = await to.fetch(new Request(address, { headers: { upgrade: 'websocket' } }))
        const socket = response.webSocket
        if (socket === null) throw new Error(`The hub responded with status ${response.status}.`)
        return receiveFrom(socket, clock, onMessage, onLost)
      }),
  }
}

/** Whether the error is "retryable": the object was moved or restarted. */
function isRetryable(error: unknown): boolean {
  return error instanceof Error && 'retryable' in error && error.retryable === true
}
