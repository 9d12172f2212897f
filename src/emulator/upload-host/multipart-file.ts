/** Streams the field `file` of a multipart form to disk, with a bounded buffer in memory. */
import { createWriteStream } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { pipeline } from 'node:stream/promises'

import { Busboy, type BusboyFileStream, type BusboyInstance } from '@fastify/busboy'

import { FILE_MODE, WRITE_BUFFER_BYTES } from '../state/video-files.ts'

/** Outcome of a form. `broken`: it is no multipart form, or it is incomplete. */
export type MultipartOutcome =
  | { readonly kind: 'saved'; readonly bytes: number }
  | { readonly kind: 'missing' }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'broken' }

/**
 * Saves the file at `path`. The caller must remove that file unless the outcome is `saved`. Rejects
 * when the file cannot be written.
 */
export async function saveMultipartFile(
  request: IncomingMessage,
  path: string,
  maxBytes: number,
): Promise<MultipartOutcome> {
  const form = openForm(request, maxBytes)
  if (form === null) return { kind: 'broken' }
  const stop = new AbortController()
  const saving: Promise<MultipartOutcome>[] = []
  const wasRead = await readForm(request, form, (field, file) => {
    // When a form ends early, busboy emits an error on the currently open part.
    file.on('error', () => undefined)
    if (field === 'file' && saving.length === 0) saving.push(save(file, path, stop.signal))
    else file.resume()
    return saving[0]
  })
  // The part's stream does not end with the request; its writer would wait forever.
  if (!wasRead) stop.abort()
  const [outcome] = await Promise.all(saving)
  if (!wasRead) return { kind: 'broken' }
  return outcome ?? { kind: 'missing' }
}

/**
 * Resolves to true when the whole form was read. Resolves to false when it is malformed, ends
 * early, the client disconnects, or `onFile` fails.
 */
function readForm(
  request: IncomingMessage,
  form: BusboyInstance,
  onFile: (field: string, file: BusboyFileStream) => Promise<MultipartOutcome> | undefined,
): Promise<boolean> {
  return new Promise((resolve) => {
    const finish = (wasRead: boolean) => {
      request.off('data', onData).off('end', onEnd)
      resolve(wasRead)
    }
    // Parser errors fail this request: thrown inside an event handler, they would end the process.
    const attempt = (work: () => void) => {
      try {
        work()
      } catch {
        finish(false)
      }
    }
    const onData = (chunk: Buffer) => attempt(() => form.write(chunk) || request.pause())
    const onEnd = () => attempt(() => form.end())
    form.on('file', (field: string, file: BusboyFileStream) => {
      void onFile(field, file)?.then(
        (saved) => saved.kind === 'broken' && finish(false),
        () => finish(false),
      )
    })
    form.on('drain', () => request.resume())
    form.on('finish', () => finish(true))
    form.on('error', () => finish(false))
    // A complete request may close while its last bytes are still being written: no failure.
    request.once('close', () => request.complete || finish(false))
    request.on('data', onData).on('end', onEnd)
  })
}

/** Returns null when the request headers declare no multipart form with a boundary. */
function openForm(request: IncomingMessage, maxBytes: number): BusboyInstance | null {
  try {
    return new Busboy({
      headers: { ...request.headers, 'content-type': request.headers['content-type'] ?? '' },
      limits: { fileSize: maxBytes, fields: 1000, parts: 1000, fieldSize: 65_536 },
      // A part named `file` is the file, even without a filename.
      isPartAFile: (field, _type, filename) => field === 'file' || filename !== undefined,
    })
  } catch {
    return null
  }
}

async function save(
  file: BusboyFileStream,
  path: string,
  signal: AbortSignal,
): Promise<MultipartOutcome> {
  const target = createWriteStream(path, { mode: FILE_MODE, highWaterMark: WRITE_BUFFER_BYTES })
  let isCutOff = false
  file.once('error', () => {
    isCutOff = true
  })
  try {
    await pipeline(file, target, { signal })
  } catch (error) {
    if (isCutOff || signal.aborted) return { kind: 'broken' }
    throw error
  }
  // Busboy ends the file at the limit and discards the rest, so that the whole form is read.
  return file.truncated ? { kind: 'too-large' } : { kind: 'saved', bytes: target.bytesWritten }
}
