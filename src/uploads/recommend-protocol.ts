import { MAX_TUS_BYTES, MAX_BASIC_BYTES } from './limits.ts'
import type { UploadProtocol } from './upload.ts'

/** Why a caller can upload nothing: its limit requires tus, and the Stream adapter mints no tus URLs. */
export const NO_PROTOCOL_REASON =
  'This token can upload nothing: it limits files to less than 200 MB, which Stream enforces for tus uploads only, and this gateway does not support tus. Use a token with a `maxSizeBytes` of at least 200000000, or none.'

/** The recommended protocol, the reason, and whether the other protocol cannot carry the file. */
export interface ProtocolRecommendation {
  readonly protocol: UploadProtocol
  readonly required: boolean
  readonly reason: string
}

/**
 * Returns the protocol of an upload: the recommended one, but TUS for every file over 200 MB, whose creation is
 * rejected with the reason if there is no tus. The parameters are those of `recommendProtocol`.
 */
export function chooseProtocol(
  sizeBytes: number,
  reliableConnection: boolean,
  tusUploads: boolean,
  basicUploads: boolean,
): UploadProtocol {
  if (sizeBytes > MAX_BASIC_BYTES) return 'TUS'
  return recommendProtocol(sizeBytes, reliableConnection, tusUploads, basicUploads).protocol
}

/**
 * Recommends a protocol by the decision chart of the Stream documentation.
 * https://developers.cloudflare.com/stream/uploading-videos/direct-creator-uploads/
 *
 * @param tusUploads false if the Stream adapter mints no tus URLs; tus is then not recommended, except
 * for files that no protocol accepts
 * @param basicUploads false if the caller's limits allow no basic uploads
 */
export function recommendProtocol(
  sizeBytes: number,
  reliableConnection: boolean,
  tusUploads = true,
  basicUploads = true,
): ProtocolRecommendation {
  if (!tusUploads && sizeBytes <= MAX_TUS_BYTES) {
    return { protocol: 'BASIC', required: true, reason: reasonWithoutTus(sizeBytes, basicUploads) }
  }
  if (sizeBytes > MAX_TUS_BYTES) {
    return {
      protocol: 'TUS',
      required: true,
      reason: 'The file exceeds 30 GB, the limit of Stream. Reduce the file size.',
    }
  }
  if (sizeBytes > MAX_BASIC_BYTES) {
    return {
      protocol: 'TUS',
      required: true,
      reason: 'Files over 200 MB require tus.',
    }
  }
  if (!basicUploads) {
    return {
      protocol: 'TUS',
      required: true,
      reason: 'The token limits the size of a file, which Stream enforces for tus uploads only.',
    }
  }
  if (reliableConnection) {
    return {
      protocol: 'BASIC',
      required: false,
      reason: 'The file is at most 200 MB and the connection is reliable: one POST is enough.',
    }
  }
  return {
    protocol: 'TUS',
    required: false,
    reason: 'The connection may break, and a tus upload can resume.',
  }
}

function reasonWithoutTus(sizeBytes: number, basicUploads: boolean): string {
  if (!basicUploads) return NO_PROTOCOL_REASON
  return sizeBytes > MAX_BASIC_BYTES
    ? 'Files over 200 MB require tus, which this gateway does not support. Reduce the file size.'
    : 'The file is at most 200 MB, and this gateway does not support tus uploads.'
}
