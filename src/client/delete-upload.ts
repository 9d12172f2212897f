/** Cancels an upload that is under way, or deletes the video. */
import { ask } from './gateway/request.ts'
import { prefixFor } from './resume/fingerprint.ts'
import { DELETE, deleted } from './gateway/operations.ts'
import type { ClientParts } from './dependencies.ts'
import { refusalFrom } from './gateway/response-errors.ts'
import { deletedError } from './terminal-errors.ts'
import { tryAgain } from './retry.ts'
import type { Upload } from './gateway/upload.ts'

/** The upload, now DELETED. What this client is sending of it stops first, and is forgotten. */
export async function deleteUpload(
  parts: ClientParts,
  uid: string,
  signal: AbortSignal | undefined,
): Promise<Upload> {
  parts.underWay.get(uid)?.(deletedError(uid))
  const question = { query: DELETE, variables: { uid } }
  const upload = await tryAgain(parts, signal, async () => {
    const outcome = await ask(parts, question, signal)
    if (deleted.is(outcome)) return outcome.upload
    throw refusalFrom(outcome, uid)
  })
  const prefix = await prefixFor(parts.url, await parts.token())
  const remembered = await parts.memory.list(prefix)
  for (const { key } of remembered.filter((one) => one.upload.uid === uid)) {
    await parts.memory.forget(key)
  }
  return upload
}
