/**
 * Events between the isolates of a Worker, through one Durable Object that all of them reach: the hub.
 * Whoever records a change tells the hub, which passes it on to whoever listens. What Workers open
 * belongs to one request, so each subscription has a connection of its own, which ends with it.
 */
import type { Upload } from '../uploads/upload.ts'
import type { UploadEvents } from '../uploads/ports/upload-pubsub.ts'
import { keyOf } from './memory-pubsub.ts'
import { readUpload, writeUpload } from './serialize-upload.ts'

/** A change as the hub passes it on: it reads the names, and not the upload. */
export interface HubChange {
  readonly uid: string
  readonly creator: string
  readonly version: number
  readonly text: string
}

/** What a hub does for events. */
export interface Hub {
  /** Passes these on, in their order. */
  tell(changes: readonly HubChange[]): Promise<void>
}

/** A way to the hub. */
export interface HubLine extends Hub {
  /**
   * Resolves once the hub passes on what it is told of this topic; `lost` is called where it no longer
   * does. Rejects where it cannot be reached. What comes back ends it.
   */
  listen(topic: string, hear: (text: string) => void, lost: () => void): Promise<() => void>
}

export interface HubEventsParts {
  readonly hub: HubLine
  /** Has the host wait for work that nobody else waits for. */
  readonly keepAlive: (work: Promise<unknown>) => void
  /** Changes were not told: whoever listens is behind until the next one. */
  readonly failed: (error: unknown) => void
}

/** What is published in one turn travels together. */
export function createHubEvents({ hub, keepAlive, failed }: HubEventsParts): UploadEvents {
  let untold: HubChange[] = []

  async function tell(): Promise<void> {
    const changes = untold
    untold = []
    try {
      await hub.tell(changes)
    } catch (error) {
      failed(error)
    }
  }

  return {
    publish(upload) {
      untold.push(changeOf(upload))
      if (untold.length === 1) keepAlive(Promise.resolve().then(tell))
    },
    subscribe(topic, listener, lost) {
      let isOver = false
      const opening = hub.listen(
        keyOf(topic),
        (text) => {
          if (!isOver) listener(readUpload(text))
        },
        () => {
          if (isOver) return
          isOver = true
          lost?.()
        },
      )
      const ready = opening.then(() => undefined)
      // Whoever waits for it hears of it; whoever does not has stopped already.
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

/** What the hub is told of an upload. */
export function changeOf(upload: Upload): HubChange {
  const { uid, creator, version } = upload
  return { uid, creator, version, text: writeUpload(upload) }
}

/** The topics that a change is for. */
export function topicsOf({ uid, creator }: HubChange): readonly string[] {
  return [keyOf({ of: 'upload', uid }), keyOf({ of: 'creator', creator }), keyOf({ of: 'all' })]
}
