/** Subscribers of the hub: hibernating WebSockets, which the runtime keeps while the hub sleeps. */
import { type HubMessage, topicKeysOf } from '../../pubsub/durable-object-pubsub.ts'
import { topicKey } from '../../pubsub/memory-pubsub.ts'
import { createDeliveredVersions } from '../../pubsub/delivered-versions.ts'
import type { WorkerWebSocket, DurableObjectState } from '../runtime-types.ts'

/** https://developers.cloudflare.com/durable-objects/api/state/#acceptwebsocket */
const MAX_TAG_LENGTH = 256
/** "Internal error": the client reads again. https://www.iana.org/assignments/websocket */
const INTERNAL_ERROR = 1011
const UPLOAD = topicKey({ of: 'upload', uid: '' })

export interface HubSubscribers {
  /** Subscribes this end of a socket to the topic. */
  add(topic: string, socket: WorkerWebSocket): void
  /** Delivers each change that is newer than the last one delivered of the same upload. */
  publish(changes: readonly HubMessage[]): void
  /** Delivers a change to the subscribers of that upload, even if it was delivered before. */
  resend(change: HubMessage): void
  /** Uploads that are subscribed to individually. */
  watchedUids(): readonly string[]
  /** Drops the delivered versions from before the previous call. */
  rotate(): void
}

export function createHubSubscribers(
  state: Pick<DurableObjectState, 'acceptWebSocket' | 'getWebSockets' | 'getTags'>,
): HubSubscribers {
  const delivered = createDeliveredVersions()
  return {
    add(topic, socket) {
      // No topic is that long, so there are no changes to deliver.
      state.acceptWebSocket(socket, topic.length <= MAX_TAG_LENGTH ? [topic] : [])
    },
    publish(changes) {
      for (const change of changes) {
        if (!delivered.markIfNewer(change.uid, change.version)) continue
        for (const topic of topicKeysOf(change)) {
          for (const socket of state.getWebSockets(topic)) deliver(socket, change.text)
        }
      }
    },
    resend({ uid, text }) {
      for (const socket of state.getWebSockets(topicKey({ of: 'upload', uid })))
        deliver(socket, text)
    },
    watchedUids() {
      const topics = state.getWebSockets().flatMap((socket) => state.getTags(socket))
      return [
        ...new Set(
          topics.flatMap((topic) => (topic.startsWith(UPLOAD) ? [topic.slice(UPLOAD.length)] : [])),
        ),
      ]
    },
    rotate: () => delivered.rotate(),
  }
}

/** A failed send closes that socket; other subscribers still receive the change. */
function deliver(socket: WorkerWebSocket, text: string): void {
  try {
    socket.send(text)
  } catch {
    socket.close(INTERNAL_ERROR, 'Sending a change to a subscriber failed.')
  }
}
