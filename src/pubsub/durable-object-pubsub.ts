/**
 * `UploadPubSub` adapter for Workers, through one Durable Object: the hub. Each isolate publishes recorded
 * changes to the hub, which delivers them to all subscribers. On Workers, I/O objects belong to one request,
 * so each subscription has its own connection that ends with the request.
 */
import type { Upload } from '../uploads/upload.ts'
import type { UploadPubSub } from '../uploads/ports/upload-pubsub.ts'
import { topicKey } from './memory-pubsub.ts'
import { deserializeUpload, serializeUpload } from './serialize-upload.ts'

/** A change in transit. The hub reads the ids and leaves `text`, the serialized upload, unparsed. */
export interface HubMessage {
  readonly uid: string
  readonly creator: string
  readonly version: number
  readonly text: string
}

/** Publishing side of the hub. */
export interface HubPublisher {
  /** Delivers the changes, in order. */
  publish(changes: readonly HubMessage[]): Promise<void>
}

/** Connection to the hub. */
export interface HubConnection extends HubPublisher {
  /**
   * Resolves with an unsubscribe function once the hub delivers changes of this topic. Rejects if the hub is
   * unreachable. Calls `onLost` when the connection is lost.
   */
  subscribe(topic: string, receive: (text: string) => void, onLost: () => void): Promise<() => void>
}

export interface HubPubSubOptions {
  readonly hub: HubConnection
  /** Keeps the host running until the work has settled, such as `waitUntil`. */
  readonly keepAlive: (work: Promise<unknown>) => void
  /** Publishing failed: subscribers miss these changes until the next one. */
  readonly failed: (error: unknown) => void
}

/** Creates the adapter. Changes published in one tick are sent together. */
export function createHubPubSub({ hub, keepAlive, failed }: HubPubSubOptions): UploadPubSub {
  let unpublished: HubMessage[] = []

  async function publishPending(): Promise<void> {
    const changes = unpublished
    unpublished = []
    try {
      await hub.publish(changes)
    } catch (error) {
      failed(error)
    }
  }

  return {
    publish(upload) {
      unpublished.push(hubMessageOf(upload))
      if (unpublished.length === 1) keepAlive(Promise.resolve().then(publishPending))
    },
    subscribe(topic, listener, onLost) {
      let isOver = false
      const opening = hub.subscribe(
        topicKey(topic),
        (text) => {
          if (!isOver) listener(deserializeUpload(text))
        },
        () => {
          if (isOver) return
          isOver = true
          onLost?.()
        },
      )
      const ready = opening.then(() => undefined)
      // Callers handle a rejection of `ready`. Without a caller, it would be reported as an unhandled rejection.
      ready.catch(() => undefined)
      return {
        ready,
        stop() {
          if (isOver) return
          isOver = true
          void opening.then(
            (close) => close(),
            () => undefined,
          )
        },
      }
    },
  }
}

/** Converts an upload to the hub's message. */
export function hubMessageOf(upload: Upload): HubMessage {
  const { uid, creator, version } = upload
  return { uid, creator, version, text: serializeUpload(upload) }
}

/** Returns the topics of a change. */
export function topicKeysOf({ uid, creator }: HubMessage): readonly string[] {
  return [
    topicKey({ of: 'upload', uid }),
    topicKey({ of: 'creator', creator }),
    topicKey({ of: 'all' }),
  ]
}
