/**
 * Handlers of the account's watermark profiles: create, list, get and delete.
 * https://developers.cloudflare.com/stream/edit-videos/applying-watermarks/
 */
import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

import { badRequest, notFound, successResponse, tooLarge } from '../api-error.ts'
import type { EmulatorDependencies } from '../dependencies.ts'
import type { HttpResponse } from '../http-response.ts'
import { MAX_WATERMARK_BYTES, MAX_WATERMARKS } from '../limits.ts'
import { watermarkJson } from '../state/watermark.ts'
import { readWatermark } from './read-watermark.ts'

export async function createWatermark(
  dependencies: EmulatorDependencies,
  request: IncomingMessage,
): Promise<HttpResponse> {
  const { options, image, downloadedFrom } = await readWatermark(request, dependencies.closing)
  if (image.byteLength > MAX_WATERMARK_BYTES) {
    throw tooLarge(`the image is larger than ${MAX_WATERMARK_BYTES} bytes`)
  }
  const dimensions = dimensionsOfPng(image)
  if (dimensions === null) throw badRequest('the image is not a PNG file')
  const watermark = dependencies.watermarks.insert(
    {
      ...options,
      uid: randomBytes(16).toString('hex'),
      size: image.byteLength,
      ...dimensions,
      createdMicroseconds: dependencies.clock.now() * 1000,
      downloadedFrom,
    },
    MAX_WATERMARKS,
  )
  if (watermark === null) {
    throw badRequest(`the account has ${MAX_WATERMARKS} watermark profiles; delete one first`)
  }
  return successResponse(watermarkJson(watermark))
}

export function listWatermarks({ watermarks }: EmulatorDependencies): HttpResponse {
  return successResponse(watermarks.list().map(watermarkJson))
}

export function getWatermark({ watermarks }: EmulatorDependencies, uid: string): HttpResponse {
  const watermark = watermarks.find(uid)
  if (watermark === null) throw notFound()
  return successResponse(watermarkJson(watermark))
}

export function deleteWatermark({ watermarks }: EmulatorDependencies, uid: string): HttpResponse {
  if (!watermarks.remove(uid)) throw notFound()
  return successResponse('')
}

const PNG_SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])

/**
 * Returns the pixels of a PNG; null for any other file. Its first chunk, IHDR, starts with width and height.
 * https://www.w3.org/TR/png-3/#11IHDR
 */
function dimensionsOfPng(image: Buffer): { width: number; height: number } | null {
  const isPng =
    image.byteLength >= 33 &&
    image.subarray(0, 8).equals(PNG_SIGNATURE) &&
    image.toString('latin1', 12, 16) === 'IHDR'
  if (!isPng) return null
  const [width, height] = [image.readUInt32BE(16), image.readUInt32BE(20)]
  return width > 0 && height > 0 ? { width, height } : null
}
