/** Streams the field `file` of a multipart form to disk, and nothing of it into memory. */
import { createWriteStream } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { pipeline } from 'node:stream/promises'

import { Busboy, type BusboyFileStream, type BusboyInstance } from '@fastify/busboy'

import { FILE_MODE, WAITING_BYTES } from '../state/video-files.ts'

/** What came of the form. `broken`: it is no multipart form, or it ended before its end. */
export type MultipartOutcome =
  | { readonly kind: 'saved'; readonly bytes: number }
  | { readonly kind: 'missing' }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'broken' }

/**
 * Whatever the outcome, the caller removes the file at `path` unless it is `saved`. Rejects where the
 * file cannot be written.
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
    // A form that ends early is an error of the part that is open then, whichever part that is.
    file.on('error', () => undefined)
    if (field === 'file' && saving.length === 0) saving.push(save(file, path, stop.signal))
    else file.resume()
    return saving[0]
  })
  // The file's own stream does not end with the request; without this its writer would wait on.
  if (!wasRead) stop.abort()
  const [outcome] = await Promise.all(saving)
  if (!wasRead) return { kind: 'broken' }
  return outcome ?? { kind: 'missing' }
}

/**
 * Resolves to true when the form was read to its end, and to false when it is no form, when it ends
 * early, when the client disconnects, or when a file that `onFile` saves cannot be saved.
 */
function readForm(
  request: IncomingMessage,
  form: BusboyInstance,
  onFile: (field: string, file: BusboyFileStream) => Promise<MultipartOutcome> | undefined,
): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (wasRead: boolean) => {
      request.off('data', take).off('end', end)
      resolve(wasRead)
    }
    // What the parser throws ends this request: as an exception of an event it would end the process.
    const attempt = (work: () => void) => {
      try {
        work()
      } catch {
        settle(false)
      }
    }
    const take = (piece: Buffer) => attempt(() => form.write(piece) || request.pause())
    const end = () => attempt(() => form.end())
    form.on('file', (field: string, file: BusboyFileStream) => {
      void onFile(field, file)?.then(
        (saved) => saved.kind === 'broken' && settle(false),
        () => settle(false),
      )
    })
    form.on('drain', () => request.resume())
    form.on('finish', () => settle(true))
    form.on('error', () => settle(false))
    // A request that came whole may close while the last of it is still being written: that is not it.
    request.once('close', () => request.complete || settle(false))
    request.on('data', take).on('end', end)
  })
}

/** Null where the request's headers announce no multipart form with a boundary. */
function openForm(request: IncomingMessage, maxBytes: number): BusboyInstance | null {
  try {
    return new Busboy({
      headers: { ...request.headers, 'content-type': request.headers['content-type'] ?? '' },
      limits: { fileSize: maxBytes, fields: 1000, parts: 1000, fieldSize: 65_536 },
      // A part named `file` is the file, even from a client that sends no filename with it.
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
  const target = createWriteStream(path, { mode: FILE_MODE, highWaterMark: WAITING_BYTES })
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
  // Busboy ends the file at the limit and throws the rest away, so the form is still read whole.
  return file.truncated ? { kind: 'too-large' } : { kind: 'saved', bytes: target.bytesWritten }
}
