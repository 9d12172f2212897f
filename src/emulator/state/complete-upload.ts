/** Completes an upload: marks it received, inspects the file, starts processing. */
import { setTimeout as wait } from 'node:timers/promises'

import { damagedMedia, mediaInfoOf } from '../media/media-info.ts'
import { readMedia } from '../media/media-reader.ts'
import type { EmulatorDependencies } from '../dependencies.ts'
import { storageErrorResponse } from '../storage-errors.ts'
import type { Video } from './video.ts'

type CompletionDependencies = Pick<
  EmulatorDependencies,
  'clock' | 'closing' | 'files' | 'library' | 'dispatcher' | 'onError' | 'settings'
>

/** Milliseconds after which something that could not be stored is stored again. */
const RETRY_MS = 1000

/** Returns false when the video was deleted or already marked received by a concurrent request. */
export async function completeUpload(
  dependencies: CompletionDependencies,
  video: Video,
  sizeBytes: number,
): Promise<boolean> {
  const { clock, library, settings } = dependencies
  if (!library.markReceived(video.uid, sizeBytes, clock.now(), settings.encodeMs)) return false
  await inspectFile(dependencies, video, sizeBytes)
  return true
}

/**
 * Reads and stores the media info of a received file. Rejects when no reader process
 * could start or reading was aborted; the file is then inspected at the next start.
 */
async function inspectFile(
  dependencies: CompletionDependencies,
  { uid, creator, maxDurationSeconds }: Video,
  sizeBytes: number,
): Promise<void> {
  const { closing, files, library, dispatcher } = dependencies
  const file = { path: files.path(uid), sizeBytes, creator }
  try {
    const reading = await untilStored(dependencies, () =>
      readMedia(file, closing, () => library.startReading(uid)),
    )
    const media = mediaInfoOf(reading, maxDurationSeconds)
    await untilStored(dependencies, () => library.setMedia(uid, media))
    // Only ready videos are played.
    if (media.failure !== null) await files.remove(uid)
  } catch (error) {
    library.stopReading(uid)
    throw error
  }
  dispatcher.wake()
}

/** Repeats the work while nothing can be stored: the upload is complete, so that its client sends no other request. */
async function untilStored<Result>(
  { closing, onError }: CompletionDependencies,
  work: () => Result | Promise<Result>,
): Promise<Result> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (closing.aborted || storageErrorResponse(error) === null) throw error
      onError(error)
      await wait(RETRY_MS, undefined, { signal: closing })
    }
  }
}

/** Interrupted uploads that are completed at the same time. Most wait for a process that reads files. */
const MAX_RESUMING = 100

/**
 * Completes uploads that a killed process interrupted: tus uploads with all bytes on disk that were
 * not marked received, and received files without media info. A file that was being read when the
 * process ended counts as damaged: reading it again could end every process. Resolves after the last one, and then
 * rejects if one failed.
 */
export async function resumeInterrupted(dependencies: CompletionDependencies): Promise<void> {
  const { closing, files, library } = dependencies
  // Uids alone: there may be very many uploads, most of which got no bytes.
  const jobs = [
    ...library.unreadFiles().map((uid) => () => resumeReading(dependencies, uid)),
    ...library
      .openTusUploads(files.stored.uids())
      .map((uid) => () => resumeUpload(dependencies, uid)),
  ].values()
  const errors: unknown[] = []
  const work = async () => {
    for (const job of jobs) {
      if (closing.aborted) return
      await job().catch((error: unknown) => errors.push(error))
    }
  }
  await Promise.all(Array.from({ length: MAX_RESUMING }, work))
  if (errors.length > 0) throw errors[0]
}

async function resumeReading(dependencies: CompletionDependencies, uid: string): Promise<void> {
  const { library } = dependencies
  const video = library.find(uid)
  if (video === null) return
  if (library.isReading(uid)) library.setMedia(uid, damagedMedia)
  else await inspectFile(dependencies, video, video.sizeBytes ?? 0)
}

async function resumeUpload(dependencies: CompletionDependencies, uid: string): Promise<void> {
  const video = dependencies.library.find(uid)
  // A request may have completed it since the start.
  if (video === null || video.receivedAt !== null) return
  const size = await dependencies.files.size(uid)
  if (size !== null && size === video.uploadLength) await completeUpload(dependencies, video, size)
}
