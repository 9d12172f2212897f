/** Cancels an active upload, or deletes its video. */
import { execute } from './gateway/request.ts'
import { creatorKeyPrefix } from './resume/fingerprint.ts'
import { DELETE, deleteSuccess } from './gateway/operations.ts'
import type { ClientDependencies } from './dependencies.ts'
import { errorFromOutcome } from './gateway/response-errors.ts'
import { deletedError } from './terminal-errors.ts'
import { retry } from './retry.ts'
import type { Upload } from './gateway/upload.ts'

/** Deletes an upload and returns it as DELETED. Stops its transfer by this client, and removes its stored entries. */
export async function deleteUpload(
  dependencies: ClientDependencies,
  uid: string,
  signal: AbortSignal | undefined,
): Promise<Upload> {
  dependencies.activeUploads.get(uid)?.(deletedError(uid))
  const request = { query: DELETE, variables: { uid } }
  const upload = await retry(dependencies, signal, async () => {
    const outcome = await execute(dependencies, request, signal)
    if (deleteSuccess.is(outcome)) return outcome.upload
    throw errorFromOutcome(outcome, uid)
  })
  const prefix = await creatorKeyPrefix(dependencies.url, await dependencies.token())
  const stored = await dependencies.resumeStore.list(prefix)
  for (const { key } of stored.filter((entry) => entry.upload.uid === uid)) {
    await dependencies.resumeStore.delete(key)
  }
  return upload
}
