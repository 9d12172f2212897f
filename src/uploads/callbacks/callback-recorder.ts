/** Decides what the store records for the application with each change of an upload. */
import type { CallbackWrite } from '../ports/callback-store.ts'
import type { Upload } from '../upload.ts'
import { callbackPayload } from './callback-payload.ts'
import { callbackTypeOf } from './callback-type.ts'

export interface CallbackRecorder {
  /**
   * Returns what is recorded with the change; null if the application is not told of it.
   * @param previous null for a new upload
   */
  writeOf(previous: Upload | null, next: Upload): CallbackWrite | null
  /** Called once the change is durable, so that its delivery starts at once. */
  recorded(): void
}

export interface CallbackRecorderOptions {
  /** URLs, each once; at least one. */
  readonly targets: readonly string[]
  /** Returns a new id that sorts by time. */
  readonly newId: () => string
  readonly onRecorded: () => void
}

export function createCallbackRecorder({
  targets,
  newId,
  onRecorded,
}: CallbackRecorderOptions): CallbackRecorder {
  return {
    writeOf(previous, next) {
      const type = callbackTypeOf(previous, next)
      if (type === null) return null
      const { id: uploadId, version, updatedAt: at } = next
      const body = JSON.stringify(callbackPayload(type, next))
      return { event: { id: newId(), type, uploadId, version, at, body }, targets }
    },
    recorded: onRecorded,
  }
}
