/** Knows whether anybody here listens for an upload, without knowing whose it is. */
import type { Topic } from '../../uploads/ports/upload-pubsub.ts'

export interface Audience {
  /** Counts one more listener; call what comes back when it stops. A second call does nothing. */
  enter(topic: Topic): () => void
  /** Whether a change of this upload may be for somebody here. */
  cares(uid: string): boolean
}

export function createAudience(): Audience {
  const byUid = new Map<string, number>()
  /** Listeners of creators, and of all: what is for them is known from the upload only. */
  let others = 0

  function count(topic: Topic, change: 1 | -1): void {
    if (topic.of !== 'upload') {
      others += change
      return
    }
    const left = (byUid.get(topic.uid) ?? 0) + change
    if (left === 0) byUid.delete(topic.uid)
    else byUid.set(topic.uid, left)
  }

  return {
    enter(topic) {
      count(topic, 1)
      let isIn = true
      return () => {
        if (isIn) count(topic, -1)
        isIn = false
      }
    },
    cares: (uid) => others > 0 || byUid.has(uid),
  }
}
