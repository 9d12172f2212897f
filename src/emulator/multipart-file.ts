/** Streams the field `file` of a multipart form to disk, and nothing of it into memory. */
import { createWriteStream } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { pipeline } from 'node:stream/promises'

import { Busboy, type BusboyFileStream, type BusboyInstance } from '@fastify/busboy'

import { FILE_MODE, WAITING_BYTES } from './video-files.ts'

/** What came of the form. `broken`: it is no multipart form, or it ended before its end. */
export type MultipartOutcome =
  | { readonly kind: 'saved'; readonly bytes: number }
  | { readonly kind: 'missing' }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'broken' }

/** Whatever the outcome, the caller removes the file at `path` unless it is `saved`. */
export async function saveMultipartFile(
  request: IncomingMessage,
  path: string,
  maxBytes: number,
): Promise<MultipartOutcome> {
  const form = openForm(request, maxBytes)
  if (form === null) return { kind: 'broken' }
  const stop = new AbortController()
  const saving: Promise<MultipartOutcome>[] = []
  // Whichever comes first: the form's end or its error, a disk that fails, a client that hangs up.
  const wasRead = await new Promise<boolean>((resolve) => {
    form.on('file', (field: string, file: BusboyFileStream) => {
      if (field !== 'file' || saving.length > 0) {
        file.resume()
        return
      }
      const saved = save(file, path, stop.signal)
      saving.push(saved)
      void saved.then((outcome) => outcome.kind === 'broken' && resolve(false))
    })
    form.on('finish', () => resolve(true))
    form.on('error', () => resolve(false))
    // A request that came whole may close while the last of it is still being written: that is not it.
    request.once('close', () => request.complete || resolve(false))
    request.pipe(form)
  })
  if (!wasRead) {
    request.unpipe(form)
    // The file's own stream does not end with the request; without this its writer would wait on.
    stop.abort()
  }
  const [outcome] = await Promise.all(saving)
  if (!wasRead) return { kind: 'broken' }
  return outcome ?? { kind: 'missing' }
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
  try {
    await pipeline(file, target, { signal })
  } catch {
    return { kind: 'broken' }
  }
  // Busboy ends the file at the limit and throws the rest away, so the form is still read whole.
  return file.truncated ? { kind: 'too-large' } : { kind: 'saved', bytes: target.bytesWritten }
}
