/** The upload queue of a client. Uploads go on when the components that show them are unmounted. */
import {
  type QueuedUpload,
  type UploadClient,
  type UploadQueue,
  createUploadQueue,
} from '../client/client.ts'
import { LINGER_MS } from './share-source.ts'
import type { ComponentSource } from './source.ts'

interface ClientQueue {
  /** Null until a component needs it. */
  queue: UploadQueue | null
  /** Mounted providers of the client. */
  providers: number
}

const byClient = new WeakMap<UploadClient, ClientQueue>()
const NO_FILES: readonly QueuedUpload[] = []

function queueOf(client: UploadClient): ClientQueue {
  const found = byClient.get(client) ?? { queue: null, providers: 0 }
  byClient.set(client, found)
  return found
}

/** Returns the queue of the client, which is created by the first call. */
export function openQueue(client: UploadClient, concurrency: number | undefined): UploadQueue {
  const found = queueOf(client)
  found.queue ??= createUploadQueue(client, { concurrency })
  return found.queue
}

/** Counts a provider. The queue is closed after the last one has called the returned function. */
export function holdQueue(client: UploadClient): () => void {
  const held = queueOf(client)
  held.providers += 1
  return () => {
    setTimeout(() => {
      held.providers -= 1
      if (held.providers > 0) return
      held.queue?.close()
      held.queue = null
    }, LINGER_MS)
  }
}

export function queueSource(
  client: UploadClient,
  concurrency: number | undefined,
): ComponentSource<readonly QueuedUpload[]> {
  return {
    getSnapshot: () => queueOf(client).queue?.getSnapshot() ?? NO_FILES,
    getServerSnapshot: () => NO_FILES,
    subscribe: (listener) => openQueue(client, concurrency).subscribe(listener),
  }
}
