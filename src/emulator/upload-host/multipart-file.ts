/** Streams the field `file` of a multipart form to disk, with a bounded buffer in memory. */
import { createWriteStream } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { pipeline } from 'node:stream/promises'

import { MAX_BASIC_BYTES, MAX_FORM_BYTES } from '../limits.ts'
import { FILE_MODE, WRITE_BUFFER_BYTES, type VideoFiles } from '../state/video-files.ts'
import { FilePartScanner } from './file-part-scanner.ts'

/** Outcome of a form. `broken`: it is no multipart form, or it is incomplete. */
export type MultipartOutcome =
  | { readonly kind: 'saved'; readonly bytes: number }
  | { readonly kind: 'missing' }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'broken' }

/**
 * Saves the partial file of the video. The caller must remove it unless the outcome is `saved`. Rejects
 * when the file cannot be written.
 * @param nextTurn resolves when the next piece of the form may be processed
 */
export async function saveMultipartFile(
  request: IncomingMessage,
  files: VideoFiles,
  uid: string,
  nextTurn: () => Promise<void>,
): Promise<MultipartOutcome> {
  const form = FilePartScanner.create(request.headers['content-type'] ?? '')
  if (form === null) return { kind: 'broken' }
  const target = createWriteStream(files.partialPath(uid), {
    mode: FILE_MODE,
    highWaterMark: WRITE_BUFFER_BYTES,
  })
  const received = { formBytes: 0, fileBytes: 0 }
  const store = (bytes: number) => files.stored.add(uid, bytes)
  const pieces = readInTurns(request, nextTurn)
  await pipeline(readFile(pieces, form, received, store), target)
  if (received.fileBytes > MAX_BASIC_BYTES || received.formBytes > MAX_FORM_BYTES) {
    return { kind: 'too-large' }
  }
  if (!form.isComplete) return { kind: 'broken' }
  return form.hasFile ? { kind: 'saved', bytes: received.fileBytes } : { kind: 'missing' }
}

/** Returns the pieces of the body, one per turn: many forms that arrive together may cost much time. */
async function* readInTurns(
  request: IncomingMessage,
  nextTurn: () => Promise<void>,
): AsyncGenerator<Buffer, void> {
  try {
    // The response needs the connection, also when the form is not read to its end.
    for await (const piece of request.iterator({ destroyOnReturn: false })) {
      if (!Buffer.isBuffer(piece)) throw new TypeError('The piece of a request body is no buffer')
      await nextTurn()
      yield piece
    }
  } catch (error) {
    if (!request.destroyed) throw error
  }
}

/**
 * Returns the bytes of the file, after passing their number to `store`, and adds to `received`. Ends early when the
 * form is malformed, the client disconnects or a limit is exceeded, because a form without Content-Length may have no
 * end.
 */
async function* readFile(
  pieces: AsyncIterable<Buffer>,
  form: FilePartScanner,
  received: { formBytes: number; fileBytes: number },
  store: (bytes: number) => void,
): AsyncGenerator<Buffer, void> {
  for await (const piece of pieces) {
    received.formBytes += piece.length
    if (received.formBytes > MAX_FORM_BYTES) return
    for (const bytes of form.push(piece)) {
      received.fileBytes += bytes.length
      if (received.fileBytes > MAX_BASIC_BYTES) return
      store(bytes.length)
      yield bytes
    }
    if (form.isBroken) return
  }
}
