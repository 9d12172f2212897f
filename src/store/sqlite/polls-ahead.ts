/** Polls scheduled further ahead than the schedule allows, because the clock was wrong. */
import { LONGEST_POLL_PAUSE_MS, OPEN_UPLOADS_SINCE_MS } from '../../uploads/ports/upload-store.ts'

/** Returns the parameters of the statement `pullForward`. */
export function pollsAhead(now: Date) {
  const at = now.getTime()
  return {
    now: at,
    openAhead: at + LONGEST_POLL_PAUSE_MS.open,
    anyAhead: at + LONGEST_POLL_PAUSE_MS.any,
    createdAfter: at - OPEN_UPLOADS_SINCE_MS,
  }
}
