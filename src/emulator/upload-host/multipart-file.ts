/** Streams the field `file` of a multipart form to disk, with a bounded buffer in memory. */
import { createWriteStream } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { pipeline } from 'node:stream/promises'

import { Busboy, type BusboyFileStream, type BusboyInstance } from '@fastify/busboy'

import { MAX_BASIC_BYTES, MAX_FORM_BYTES } from '../limits.ts'
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
): Promise<MultipartOutcome> {
  const form = openForm(request)
  if (form === null) return { kind: 'broken' }
  const stop = new AbortController()
  const saving: Promise<MultipartOutcome>[] = []
  const ending = await readForm(request, form, (field, file) => {
    // When a form ends early, busboy emits an error on the currently open part.
    file.on('error', () => undefined)
    if (field === 'file' && saving.length === 0) saving.push(save(file, path, stop.signal))
    else file.resume()
    return saving[0]
  })
  // The part's stream does not end with the request; its writer would wait forever.
  if (ending !== 'whole') stop.abort()
  const [outcome] = await Promise.all(saving)
  if (ending !== 'whole') return { kind: ending }
  return outcome ?? { kind: 'missing' }
}

/**
 * Resolves to `whole` when the whole form was read. Resolves to `broken` when it is malformed, ends
 * early, the client disconnects, or `onFile` fails; to `too-large` at the limit, because a form
 * without Content-Length may have no end.
 */
function readForm(
  request: IncomingMessage,
  form: BusboyInstance,
  onFile: (field: string, file: BusboyFileStream) => Promise<MultipartOutcome> | undefined,
): Promise<'whole' | 'broken' | 'too-large'> {
  return new Promise((resolve) => {
    let bytes = 0
    const finish = (ending: 'whole' | 'broken' | 'too-large') => {
      request.off('data', onData).off('end', onEnd)
      resolve(ending)
    }
    // Parser errors fail this request: thrown inside an event handler, they would end the process.
    const attempt = (work: () => void) => {
      try {
        work()
      } catch {
        finish('broken')
      }
    }
    const onData = (chunk: Buffer) => {
      bytes += chunk.byteLength
      if (bytes > MAX_FORM_BYTES) finish('too-large')
      else attempt(() => form.write(chunk) || request.pause())
    }
    const onEnd = () => attempt(() => form.end())
    form.on('file', (field: string, file: BusboyFileStream) => {
      void onFile(field, file)?.then(
        (saved) => saved.kind === 'broken' && finish('broken'),
        () => finish('broken'),
      )
    })
    form.on('drain', () => request.resume())
    form.on('finish', () => finish('whole'))
    form.on('error', () => finish('broken'))
    // A request that was read to its end may close while its last bytes are still being written: no failure.
    const onClose = () => request.readableEnded || finish('broken')
    request.once('close', onClose)
    request.on('data', onData).on('end', onEnd)
    // A request that is closed already emits no further event, so that the promise would never settle.
    if (request.closed) onClose()
  })
}

/** Returns null when the request headers declare no multipart form with a boundary. */
function openForm(request: IncomingMessage): BusboyInstance | null {
  try {
    return new Busboy({
      headers: { ...request.headers, 'content-type': request.headers['content-type'] ?? '' },
      limits: { fileSize: MAX_BASIC_BYTES, fields: 1000, parts: 1000, fieldSize: 65_536 },
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
  let isTruncated = false
  file.once('error', () => {
    isTruncated = true
  })
  try {
    await pipeline(file, target, { signal })
  } catch (error) {
    if (isTruncated || signal.aborted) return { kind: 'broken' }
    throw error
  }
  // Busboy ends the file at the limit and discards the rest, so that the whole form is read.
  return file.truncated ? { kind: 'too-large' } : { kind: 'saved', bytes: target.bytesWritten }
}
