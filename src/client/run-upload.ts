/** One file's way to READY, for whoever has the turn. */
import { type Begun, beginUpload, resumeUpload } from './start-upload.ts'
import { deletedError, expiredError, failedError, isForGood } from './terminal-errors.ts'
import type { Errand } from './upload-job.ts'
import { lookAfter } from './look-after.ts'
import type { ClientParts } from './dependencies.ts'
import type { RememberedUpload } from './resume/resume-store.ts'
import { sendFile } from './transfer/send-file.ts'
import type { Upload } from './gateway/upload.ts'
import { watchUpload } from './gateway/watch-upload.ts'

/** URLs that one call mints at most: a lapsed one is replaced once, and no oftener. */
const MOST_MINTS = 2
/**
 * The upload when it is READY.
 * @param seen what another tab was seen to send; null where there was none
 */
export async function runErrand(
  parts: ClientParts,
  errand: Errand,
  seen: RememberedUpload | null,
): Promise<Upload> {
  try {
    let begun = await resumeUpload(parts, errand, seen)
    for (let mints = 0; ; begun = null) {
      if (begun === null) {
        mints += 1
        begun = await beginUpload(parts, errand)
      }
      const { uid } = begun.upload
      parts.underWay.set(uid, errand.stop)
      try {
        const ready = await finish(parts, errand, begun)
        if (ready !== null) return ready
        await parts.memory.forget(errand.key)
        if (mints >= MOST_MINTS) throw expiredError(uid)
      } finally {
        parts.underWay.delete(uid)
      }
    }
  } catch (error) {
    if (isForGood(error)) await parts.memory.forget(errand.key)
    throw error
  }
}

/** Null where the URL lapsed before the file was up. */
async function finish(parts: ClientParts, errand: Errand, begun: Begun): Promise<Upload | null> {
  const { file, progress, signal } = errand
  const { destination } = begun
  const { uid } = begun.upload
  if (destination !== null) {
    const outcome = await sendFile(parts, {
      file,
      destination,
      signal,
      onSent: (bytes) => progress.sending(bytes),
    })
    if (outcome.kind === 'refused') {
      const isReceived = await lookAfter(parts, destination, outcome.status, signal)
      if (!isReceived) return null
    }
    await parts.memory.remember(errand.key, { ...begun.remembered, isSent: true })
  }
  progress.sent()
  for await (const upload of watchUpload(parts, uid, signal)) {
    progress.watched(upload)
    if (upload.status === 'READY') {
      await parts.memory.forget(errand.key)
      return upload
    }
    if (upload.status === 'EXPIRED') return null
    if (upload.status === 'DELETED') throw deletedError(uid)
    if (upload.status === 'ERROR') throw failedError(upload)
  }
  throw expiredError(uid)
}
