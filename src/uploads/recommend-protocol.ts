import { MAX_TUS_BYTES, MAX_BASIC_BYTES } from './limits.ts'
import type { UploadProtocol } from './upload.ts'

/** The recommended protocol, the reason, and whether the other protocol cannot carry the file. */
export interface ProtocolRecommendation {
  readonly protocol: UploadProtocol
  readonly required: boolean
  readonly reason: string
}

/**
 * Recommends a protocol by the decision chart of the Stream documentation.
 * https://developers.cloudflare.com/stream/uploading-videos/direct-creator-uploads/
 *
 * @param tusUploads false if the Stream adapter mints no tus URLs; tus is then not recommended, except
 * for files that no protocol accepts
 */
export function recommendProtocol(
  sizeBytes: number,
  reliableConnection: boolean,
  tusUploads = true,
): ProtocolRecommendation {
  if (!tusUploads && sizeBytes <= MAX_TUS_BYTES) {
    return {
      protocol: 'BASIC',
      required: true,
      reason:
        sizeBytes > MAX_BASIC_BYTES
          ? 'The file is over 200 MB, and this gateway has no tus uploads, which alone could carry it: make it smaller first.'
          : 'The file is at most 200 MB, and this gateway has no tus uploads: one POST carries it.',
    }
  }
  if (sizeBytes > MAX_TUS_BYTES) {
    return {
      protocol: 'TUS',
      required: true,
      reason: 'The file is over 30 GB, which Stream takes by no protocol: make it smaller first.',
    }
  }
  if (sizeBytes > MAX_BASIC_BYTES) {
    return {
      protocol: 'TUS',
      required: true,
      reason: 'The file is over 200 MB, which only a tus upload can carry.',
    }
  }
  if (reliableConnection) {
    return {
      protocol: 'BASIC',
      required: false,
      reason: 'The file is at most 200 MB and the connection is reliable: one POST is simplest.',
    }
  }
  return {
    protocol: 'TUS',
    required: false,
    reason: 'The connection may break, and a tus upload goes on where it stopped.',
  }
}
