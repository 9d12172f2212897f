/** The last byte of a file is in: the video is received, its bytes are read, processing begins. */
import { damagedMedia, judgeMedia } from '../media/media-info.ts'
import { readMedia } from '../media/media-reader.ts'
import type { EmulatorParts } from '../dependencies.ts'
import type { Video } from './video.ts'

type ReceivingParts = Pick<
  EmulatorParts,
  'clock' | 'closing' | 'files' | 'library' | 'notifier' | 'settings'
>

/** False when the video was deleted meanwhile, or received by somebody faster. */
export async function receiveUpload(
  parts: ReceivingParts,
  video: Video,
  sizeBytes: number,
): Promise<boolean> {
  const { clock, library, settings } = parts
  if (!library.markReceived(video.uid, sizeBytes, clock.now(), settings.encodeMs)) return false
  await readReceivedFile(parts, video, sizeBytes)
  return true
}

/**
 * Reads what the received file is; again after a restart that came in between. Rejects where reading
 * was not possible or was stopped, and then leaves the file for the next start.
 */
async function readReceivedFile(
  parts: ReceivingParts,
  { uid, maxDurationSeconds }: Video,
  sizeBytes: number,
): Promise<void> {
  const { closing, files, library, notifier } = parts
  try {
    const reading = await readMedia(files.path(uid), sizeBytes, closing, () =>
      library.startReading(uid),
    )
    library.setMedia(uid, judgeMedia(reading, maxDurationSeconds))
  } catch (error) {
    library.stopReading(uid)
    throw error
  }
  notifier.wake()
}

/**
 * Finishes what a killed process left half done: tus uploads whose last byte is on disk but not in
 * the records, and received files that were not read. A file that was being read when the process
 * ended counts as damaged: read again, it could end every process.
 */
export async function settleInterrupted(parts: ReceivingParts): Promise<void> {
  for (const video of parts.library.unsettled()) {
    if (video.receivedAt !== null) {
      if (parts.library.isReading(video.uid)) parts.library.setMedia(video.uid, damagedMedia)
      else await readReceivedFile(parts, video, video.sizeBytes ?? 0)
      continue
    }
    const size = await parts.files.size(video.uid)
    if (size !== null && size === video.uploadLength) await receiveUpload(parts, video, size)
  }
}
