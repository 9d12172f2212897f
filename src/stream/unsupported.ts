/** The refusal of what a way to Stream cannot do, whatever Stream itself could. */
import { StreamError } from '../uploads/ports/stream-error.ts'

/** @param sentence what cannot be done, and what would be right */
export function unsupported(sentence: string): StreamError {
  return new StreamError(sentence, {
    kind: 'invalid',
    mayHaveHappened: false,
    status: null,
    codes: [],
    retryAfterSeconds: null,
  })
}
