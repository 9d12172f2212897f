/**
 * Which protocol suits a file: the decision chart of
 * https://developers.cloudflare.com/stream/uploading-videos/direct-creator-uploads/
 */
import { isObject } from './shape.ts'
import type { UploadProtocol } from './gateway/upload.ts'

/** Bytes that one POST may carry: 200 MB, by the page of the chart. */
export const MAX_BASIC_BYTES = 200_000_000

/** A protocol, and why it was chosen, in words for a person. */
export interface ProtocolChoice {
  readonly protocol: UploadProtocol
  readonly reason: string
}

export function chooseProtocol(
  sizeBytes: number,
  reliableConnection: boolean,
  wanted: UploadProtocol | undefined,
): ProtocolChoice {
  if (wanted !== undefined) return { protocol: wanted, reason: 'It was asked for.' }
  if (sizeBytes > MAX_BASIC_BYTES) {
    return {
      protocol: 'TUS',
      reason: 'The file is over 200 MB, which only a tus upload can carry.',
    }
  }
  if (reliableConnection) {
    return {
      protocol: 'BASIC',
      reason: 'The file is at most 200 MB and the connection is reliable: one POST is simplest.',
    }
  }
  return {
    protocol: 'TUS',
    reason: 'The connection may break, and a tus upload goes on where it stopped.',
  }
}

/**
 * What the browser says of its connection: unreliable where it saves data or is slower than 4G.
 * Reliable where it says nothing, as in Node, Firefox and Safari.
 * https://developer.mozilla.org/en-US/docs/Web/API/NetworkInformation
 */
export function seemsReliable(): boolean {
  const navigator: unknown = globalThis.navigator
  if (typeof navigator !== 'object' || navigator === null) return true
  const connection: unknown = Reflect.get(navigator, 'connection')
  if (!isObject(connection)) return true
  const { saveData, effectiveType } = connection
  return saveData !== true && (effectiveType === undefined || effectiveType === '4g')
}
