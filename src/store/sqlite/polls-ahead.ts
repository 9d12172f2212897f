/** Polls scheduled further ahead than the schedule allows, because the clock was wrong. */
import { MAX_POLL_DELAY_MS, MAX_OPEN_UPLOAD_AGE_MS } from '../../uploads/ports/upload-store.ts'

/** Returns the parameters of the statement `pullForward`. */
export function pollsAhead(now: Date) {
  const at = now.getTime()
  return {
    now: at,
    openAhead: at + MAX_POLL_DELAY_MS.open,
    anyAhead: at + MAX_POLL_DELAY_MS.any,
    createdAfter: at - MAX_OPEN_UPLOAD_AGE_MS,
  }
}
