/** Reads at Stream how far a tus upload has come: no notice and no field of the video says it. */
import { StreamError } from './ports/stream-error.ts'
import type { Parts } from './dependencies.ts'
import { recordEvidence } from './status/record-observation.ts'
import { type Upload, isUsable } from './upload.ts'

/** The upload after the offset was recorded; null where there was nothing to ask or to learn. */
export async function readOffset(
  parts: Pick<Parts, 'stream' | 'store' | 'events' | 'clock' | 'log' | 'telemetry'>,
  upload: Upload,
): Promise<Upload | null> {
  if (upload.protocol !== 'TUS' || !parts.stream.capabilities.tusUploads) return null
  if (!isUsable(upload, parts.clock.now())) return null
  try {
    const offset = await parts.stream.readTusOffset(upload.uploadURL)
    if (offset === null || offset.receivedBytes === 0) return null
    return await recordEvidence(parts, upload.uid, {
      kind: 'offset',
      source: 'SYNC',
      at: parts.clock.now(),
      receivedBytes: offset.receivedBytes,
    })
  } catch (error) {
    if (!(error instanceof StreamError)) throw error
    parts.log.debug({ reference: upload.id, kind: error.kind }, 'offset not read')
    return null
  }
}
