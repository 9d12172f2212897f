/** Polls that lie further ahead than any is scheduled: a clock that was wrong scheduled them. */
import { LONGEST_POLL_PAUSE_MS, OPEN_UPLOADS_SINCE_MS } from '../../uploads/ports/upload-store.ts'

/** The values of the statement `pullForward` at this moment. */
export function pollsAhead(now: Date) {
  const at = now.getTime()
  return {
    now: at,
    openAhead: at + LONGEST_POLL_PAUSE_MS.open,
    anyAhead: at + LONGEST_POLL_PAUSE_MS.any,
    createdAfter: at - OPEN_UPLOADS_SINCE_MS,
  }
}
