/** Who listens to the hub, and passing on to them. The runtime keeps the sockets, while the hub sleeps too. */
import { type HubChange, topicsOf } from '../../pubsub/durable-object-pubsub.ts'
import { keyOf } from '../../pubsub/memory-pubsub.ts'
import { createSightings } from '../../pubsub/delivered-versions.ts'
import type { EndOfSocket, ObjectState } from '../runtime-types.ts'

/** https://developers.cloudflare.com/durable-objects/api/state/#acceptwebsocket */
const LONGEST_TAG = 256
/** "Internal error": whoever listens reads anew. https://www.iana.org/assignments/websocket */
const INTERNAL_ERROR = 1011
const UPLOAD = keyOf({ of: 'upload', uid: '' })

export interface Listeners {
  /** Has the topic passed on to this end of a socket from now on. */
  add(topic: string, socket: EndOfSocket): void
  /** Passes on what is newer than what was passed on of the same upload lately. */
  tell(changes: readonly HubChange[]): void
  /** Passes it on to those who listen to this very upload, whatever they have heard of it. */
  remind(change: HubChange): void
  /** Uploads that somebody listens to, each by itself. */
  watched(): readonly string[]
  /** Forgets what was passed on before the last call of this. */
  age(): void
}

export function createListeners(
  state: Pick<ObjectState, 'acceptWebSocket' | 'getWebSockets' | 'getTags'>,
): Listeners {
  const sightings = createSightings()
  return {
    add(topic, socket) {
      // Of a name so long there is nothing to hear.
      state.acceptWebSocket(socket, topic.length <= LONGEST_TAG ? [topic] : [])
    },
    tell(changes) {
      for (const change of changes) {
        if (!sightings.isNews(change.uid, change.version)) continue
        for (const topic of topicsOf(change)) {
          for (const socket of state.getWebSockets(topic)) pass(socket, change.text)
        }
      }
    },
    remind({ uid, text }) {
      for (const socket of state.getWebSockets(keyOf({ of: 'upload', uid }))) pass(socket, text)
    },
    watched() {
      const topics = state.getWebSockets().flatMap((socket) => state.getTags(socket))
      return [
        ...new Set(
          topics.flatMap((topic) => (topic.startsWith(UPLOAD) ? [topic.slice(UPLOAD.length)] : [])),
        ),
      ]
    },
    age: () => sightings.age(),
  }
}

/** One that has gone keeps nobody else from hearing. */
function pass(socket: EndOfSocket, text: string): void {
  try {
    socket.send(text)
  } catch {
    socket.close(INTERNAL_ERROR, 'A change was not passed on.')
  }
}
