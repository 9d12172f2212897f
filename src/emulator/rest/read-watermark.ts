/** Reads the body that creates a watermark profile: a form with the image, or JSON with its URL. */
import type { IncomingMessage } from 'node:http'

import { z } from 'zod'

import { badRequest, type ApiError } from '../api-error.ts'
import { isLoopback } from '../exposure.ts'
import {
  FETCH_TIMEOUT_MS,
  MAX_FORM_FIELDS,
  MAX_WATERMARK_BYTES,
  MAX_WATERMARK_FORM_BYTES,
} from '../limits.ts'
import { readBytes, readJsonBody } from '../read-json-body.ts'
import { watermarkOptionsSchema, type WatermarkOptions } from '../state/watermark.ts'
import { FilePartScanner } from '../upload-host/file-part-scanner.ts'
import { parseBody } from './parse-direct-upload.ts'

/** A new profile. The image is not checked yet. */
interface WatermarkBody {
  readonly options: WatermarkOptions
  readonly image: Buffer
  /** Null if the body contains the image. */
  readonly downloadedFrom: string | null
}

const urlSchema = z.looseObject({ url: z.string() })

/** Throws an ApiError (400 or 413) for an invalid body, and if the image cannot be fetched. */
export async function readWatermark(
  request: IncomingMessage,
  closing: AbortSignal,
): Promise<WatermarkBody> {
  const contentType = request.headers['content-type'] ?? ''
  if (/^multipart\/form-data\b/i.test(contentType)) return readForm(request, contentType)
  const body = await readJsonBody(request)
  const { url } = parseBody(urlSchema, body)
  const options = parseBody(watermarkOptionsSchema, body)
  return { options, image: await fetchImage(url, closing), downloadedFrom: url }
}

/** The whole form is in memory, because an image is small. */
async function readForm(request: IncomingMessage, contentType: string): Promise<WatermarkBody> {
  const bytes = await readBytes(request, MAX_WATERMARK_FORM_BYTES)
  const form = await parseForm(bytes, contentType)
  const file = form.get('file')
  if (!(file instanceof Blob)) throw badRequest('the form needs the image as the file "file"')
  const fields = Object.fromEntries(
    [...form].flatMap(([key, value]) => (typeof value === 'string' ? [[key, value]] : [])),
  )
  const options = parseBody(watermarkOptionsSchema, {
    ...fields,
    ...numberIn(fields, 'opacity'),
    ...numberIn(fields, 'padding'),
    ...numberIn(fields, 'scale'),
  })
  return { options, image: Buffer.from(await file.arrayBuffer()), downloadedFrom: null }
}

async function parseForm(bytes: Buffer<ArrayBuffer>, contentType: string): Promise<FormData> {
  // Limits the number of parts: `formData` takes seconds for a form of tiny files.
  const scanner = FilePartScanner.create(contentType)
  if (scanner === null || !isCompleteForm(scanner, bytes)) throw invalidForm()
  try {
    return await new Response(bytes, { headers: { 'content-type': contentType } }).formData()
  } catch {
    throw invalidForm()
  }
}

function isCompleteForm(scanner: FilePartScanner, bytes: Buffer): boolean {
  // The scanner continues as its output is read.
  Array.from(scanner.push(bytes))
  return scanner.isComplete
}

function invalidForm(): ApiError {
  return badRequest(`the request body is not a multipart form of at most ${MAX_FORM_FIELDS} parts`)
}

/** Returns the number of a form's text field; no member without one. */
function numberIn(
  fields: Readonly<Record<string, string>>,
  key: string,
): Readonly<Record<string, number>> {
  const text = fields[key]
  if (text === undefined) return {}
  return { [key]: /^\d*\.?\d+$/.test(text) ? Number(text) : Number.NaN }
}

/**
 * Unlike Stream, fetches from this machine only: the emulator sends no request to other machines, except for
 * webhooks.
 */
async function fetchImage(text: string, closing: AbortSignal): Promise<Buffer> {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw badRequest('url must begin with http:// or https://')
  }
  if (!isLoopback(url.hostname.replace(/^\[(.*)\]$/, '$1'))) {
    throw badRequest(
      'url: the emulator fetches images from this machine only. Use localhost, or upload the image as multipart/form-data.',
    )
  }
  const signal = AbortSignal.any([closing, AbortSignal.timeout(FETCH_TIMEOUT_MS)])
  try {
    // A redirect may lead to another machine.
    const response = await fetch(url, { signal, redirect: 'error' })
    if (!response.ok || response.body === null) {
      await response.body?.cancel()
      throw badRequest(`url: the server responded with ${response.status}`)
    }
    return await readAtMost(response.body, MAX_WATERMARK_BYTES + 1)
  } catch (error) {
    if (error instanceof TypeError || (error instanceof DOMException && !closing.aborted)) {
      throw badRequest('url: the image could not be fetched')
    }
    throw error
  }
}

/** Returns the body up to the chunk with which it reaches this size. */
async function readAtMost(body: ReadableStream<Uint8Array>, size: number): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body) {
    chunks.push(chunk)
    bytes += chunk.byteLength
    if (bytes >= size) break
  }
  return Buffer.concat(chunks)
}
