/**
 * Chooses the upload protocol of a file, which is shown until the gateway has minted the upload, by the decision chart of
 * https://developers.cloudflare.com/stream/uploading-videos/direct-creator-uploads/
 */
import { isObject } from './shape.ts'
import type { UploadProtocol } from './gateway/upload.ts'
import { MAX_BASIC_BYTES } from './limits.ts'

/** A protocol and the reason for it, as display text. */
export interface ProtocolChoice {
  readonly protocol: UploadProtocol
  readonly reason: string
}

export function chooseProtocol(
  sizeBytes: number,
  reliableConnection: boolean,
  requested: UploadProtocol | undefined,
): ProtocolChoice {
  if (requested !== undefined)
    return { protocol: requested, reason: 'The caller requested this protocol.' }
  if (sizeBytes > MAX_BASIC_BYTES) {
    return {
      protocol: 'TUS',
      reason: 'Files over 200 MB require tus.',
    }
  }
  if (reliableConnection) {
    return {
      protocol: 'BASIC',
      reason: 'The file is at most 200 MB and the connection is reliable: one POST is enough.',
    }
  }
  return {
    protocol: 'TUS',
    reason: 'The connection may break, and a tus upload can resume.',
  }
}

/**
 * Returns whether the connection is reliable, according to the browser: false with data saver or below 4G.
 * Returns true if the platform reports nothing, as in Node, Firefox and Safari.
 * https://developer.mozilla.org/en-US/docs/Web/API/NetworkInformation
 */
export function isConnectionReliable(): boolean {
  const navigator: unknown = globalThis.navigator
  if (typeof navigator !== 'object' || navigator === null) return true
  const connection: unknown = Reflect.get(navigator, 'connection')
  if (!isObject(connection)) return true
  const { saveData, effectiveType } = connection
  return saveData !== true && (effectiveType === undefined || effectiveType === '4g')
}
