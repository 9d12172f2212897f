/** Streams the body of a PATCH into its file, and keeps the received bytes after a disconnect. */
import { createWriteStream } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { finished } from 'node:stream/promises'

import { WRITE_BUFFER_BYTES, type VideoFiles } from '../state/video-files.ts'

/** Result of a body; `bytes` are written to the file. */
export interface SavedChunk {
  readonly bytes: number
  /** `too-large`: the body exceeded `maxBytes`, and the rest was discarded. */
  readonly outcome: 'whole' | 'broken-off' | 'too-large'
}

/**
 * Resolves when the file is written and closed, also after a disconnect: "the Server SHOULD
 * always attempt to store as much of the received data as possible".
 * https://tus.io/protocols/resumable-upload#patch
 * Rejects when the file cannot be written.
 * @param offset file offset of the body's first byte
 * @param maxBytes bytes of the body after which writing stops
 */
export async function saveChunk(
  request: IncomingMessage,
  files: VideoFiles,
  uid: string,
  offset: number,
  maxBytes: number,
): Promise<SavedChunk> {
  const file = createWriteStream(files.path(uid), {
    flags: 'r+',
    start: offset,
    highWaterMark: WRITE_BUFFER_BYTES,
  })
  const saved: { bytes: number; outcome: SavedChunk['outcome'] } = {
    bytes: 0,
    outcome: 'broken-off',
  }
  const end = (outcome: SavedChunk['outcome']) => {
    request.off('data', onData).off('end', onEnd).off('close', onClose)
    saved.outcome = outcome
    file.end()
  }
  const onData = (chunk: Buffer) => {
    const remaining = maxBytes - saved.bytes
    const accepted = chunk.byteLength > remaining ? chunk.subarray(0, remaining) : chunk
    saved.bytes += accepted.byteLength
    try {
      files.stored.add(uid, accepted.byteLength)
    } catch (error) {
      file.destroy(error instanceof Error ? error : new Error(String(error)))
      return
    }
    if (!file.write(accepted)) request.pause()
    if (accepted !== chunk) end('too-large')
  }
  const onEnd = () => end('whole')
  // All bytes that arrived before the disconnect have been received by now: Node does not detect
  // the end of a paused connection.
  const onClose = () => end('broken-off')
  file.on('drain', () => request.resume())
  request.on('data', onData).on('end', onEnd).on('close', onClose)
  if (request.closed) onClose()
  try {
    await finished(file)
  } finally {
    request.off('data', onData).off('end', onEnd).off('close', onClose)
  }
  return saved
}
