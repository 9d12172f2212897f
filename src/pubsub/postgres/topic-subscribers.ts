/** Counts local subscribers, to tell by uid alone whether a change must be read. */
import type { Topic } from '../../uploads/ports/upload-pubsub.ts'

export interface TopicSubscribers {
  /** Adds a subscriber. Returns an idempotent function that removes it. */
  add(topic: Topic): () => void
  /** True if a local subscriber may want changes of this upload. */
  hasSubscribers(uid: string): boolean
}

export function createTopicSubscribers(): TopicSubscribers {
  const byUid = new Map<string, number>()
  /** Subscribers of a creator or of all uploads. Whether they match is known only after reading the upload. */
  let broadSubscribers = 0

  function count(topic: Topic, change: 1 | -1): void {
    if (topic.of !== 'upload') {
      broadSubscribers += change
      return
    }
    const remaining = (byUid.get(topic.uid) ?? 0) + change
    if (remaining === 0) byUid.delete(topic.uid)
    else byUid.set(topic.uid, remaining)
  }

  return {
    add(topic) {
      count(topic, 1)
      let isActive = true
      return () => {
        if (isActive) count(topic, -1)
        isActive = false
      }
    },
    hasSubscribers: (uid) => broadSubscribers > 0 || byUid.has(uid),
  }
}
