/** `UploadPubSub` adapter for one process. Calls subscribers by topic, in the order of the changes. */
import type { ChangeListener, Topic, UploadPubSub } from '../uploads/ports/upload-pubsub.ts'

/** Within one process, a subscription is active immediately. */
export const READY: Promise<void> = Promise.resolve()

/** Creates the adapter; a topic is deleted with its last subscriber. */
export function createMemoryPubSub(): UploadPubSub {
  const listeners = new Map<string, Set<ChangeListener>>()

  function call(topic: Topic, upload: Parameters<ChangeListener>[0]): void {
    for (const listener of listeners.get(topicKey(topic)) ?? []) listener(upload)
  }

  return {
    publish(upload) {
      call({ of: 'upload', uid: upload.uid }, upload)
      call({ of: 'creator', creator: upload.creator }, upload)
      call({ of: 'all' }, upload)
    },
    subscribe(topic, listener) {
      const key = topicKey(topic)
      const group = listeners.get(key) ?? new Set()
      // A new function per subscription, so that one listener can subscribe twice and stop once.
      const subscription: ChangeListener = (upload) => listener(upload)
      listeners.set(key, group.add(subscription))
      return {
        ready: READY,
        stop() {
          group.delete(subscription)
          if (group.size === 0 && listeners.get(key) === group) listeners.delete(key)
        },
      }
    },
  }
}

/** Returns a unique key for a topic. */
export function topicKey(topic: Topic): string {
  switch (topic.of) {
    case 'upload':
      return `upload:${topic.uid}`
    case 'creator':
      return `creator:${topic.creator}`
    case 'all':
      return 'all'
  }
}
