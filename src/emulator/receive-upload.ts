/** The last byte of a file is in: the video is received, its bytes are read, processing begins. */
import { readMediaFacts } from './media-facts.ts'
import type { EmulatorParts } from './parts.ts'
import type { Video } from './video.ts'

type ReceivingParts = Pick<EmulatorParts, 'clock' | 'files' | 'library' | 'notifier' | 'settings'>

/** False when the video was deleted meanwhile, or received by somebody faster. */
export async function receiveUpload(
  parts: ReceivingParts,
  video: Video,
  sizeBytes: number,
): Promise<boolean> {
  const { clock, library, settings } = parts
  if (!library.markReceived(video.uid, sizeBytes, clock.now(), settings.encodeMs)) return false
  await readReceivedFile(parts, video)
  return true
}

/** Reads what the received file is; again after a restart that came in between. */
export async function readReceivedFile(parts: ReceivingParts, video: Video): Promise<void> {
  const { files, library, notifier } = parts
  const media = await readMediaFacts(files.path(video.uid), video.maxDurationSeconds)
  library.setMedia(video.uid, media)
  notifier.wake()
}

/**
 * Finishes what a killed process left half done: tus uploads whose last byte is on disk but not in
 * the records, and received files that were not read.
 */
export async function settleInterrupted(parts: ReceivingParts): Promise<void> {
  for (const video of parts.library.unsettled()) {
    if (video.receivedAt !== null) {
      await readReceivedFile(parts, video)
      continue
    }
    const size = await parts.files.size(video.uid)
    if (size !== null && size === video.uploadLength) await receiveUpload(parts, video, size)
  }
}
