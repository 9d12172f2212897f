/** Has what is done about one upload done one after the other, so that changes are heard in order. */
import type { UploadEvents } from '../ports/upload-pubsub.ts'

/** The last turn of each upload under way, by the events that its changes are heard through. */
const lastTurns = new WeakMap<UploadEvents, Map<string, Promise<unknown>>>()

/**
 * Does the work once everything that was asked for this upload before is over, whatever came of it.
 * Other processes are kept apart by the version in the store; this keeps what is recorded here from
 * being told in another order than it was recorded.
 */
export async function inTurn<T>(
  events: UploadEvents,
  uid: string,
  work: () => Promise<T>,
): Promise<T> {
  const turns = lastTurns.get(events) ?? new Map<string, Promise<unknown>>()
  lastTurns.set(events, turns)
  const before = turns.get(uid)
  const turn = before === undefined ? work() : before.then(work, work)
  turns.set(uid, turn)
  try {
    return await turn
  } finally {
    if (turns.get(uid) === turn) turns.delete(uid)
  }
}
