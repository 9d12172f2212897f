/** Events within one process: listeners by topic, called in the order of the changes. */
import type { ChangeListener, Topic, UploadEvents } from '../uploads/ports/upload-pubsub.ts'

/** Within one process a listener hears from the moment on in which it subscribes. */
export const READY: Promise<void> = Promise.resolve()

/** Keeps the listeners of one process; a topic is dropped with its last listener. */
export function createMemoryEvents(): UploadEvents {
  const listeners = new Map<string, Set<ChangeListener>>()

  function call(topic: Topic, upload: Parameters<ChangeListener>[0]): void {
    for (const listener of listeners.get(keyOf(topic)) ?? []) listener(upload)
  }

  return {
    publish(upload) {
      call({ of: 'upload', uid: upload.uid }, upload)
      call({ of: 'creator', creator: upload.creator }, upload)
      call({ of: 'all' }, upload)
    },
    subscribe(topic, listener) {
      const key = keyOf(topic)
      const group = listeners.get(key) ?? new Set()
      // Another function each time: the same listener may subscribe twice, and stop once.
      const own: ChangeListener = (upload) => listener(upload)
      listeners.set(key, group.add(own))
      return {
        ready: READY,
        stop() {
          group.delete(own)
          if (group.size === 0 && listeners.get(key) === group) listeners.delete(key)
        },
      }
    },
  }
}

/** Names a topic; no two have the same name. */
export function keyOf(topic: Topic): string {
  switch (topic.of) {
    case 'upload':
      return `upload:${topic.uid}`
    case 'creator':
      return `creator:${topic.creator}`
    case 'all':
      return 'all'
  }
}
