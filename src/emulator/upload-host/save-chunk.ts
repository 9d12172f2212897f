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
 * @param nextTurn resolves when the next bytes of the body may be processed
 */
export async function saveChunk(
  request: IncomingMessage,
  files: VideoFiles,
  uid: string,
  offset: number,
  maxBytes: number,
  nextTurn: () => Promise<void>,
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
  const stopReading = () => {
    request.off('readable', onReadable).off('end', onEnd).off('close', onClose)
  }
  const end = (outcome: SavedChunk['outcome']) => {
    stopReading()
    saved.outcome = outcome
    file.end()
  }
  /** Writes what has been received, as one piece however many it arrived in. */
  const write = () => {
    const received: unknown = request.read()
    // Null at the end of the body.
    if (!Buffer.isBuffer(received)) return
    const remaining = maxBytes - saved.bytes
    const accepted = received.byteLength > remaining ? received.subarray(0, remaining) : received
    saved.bytes += accepted.byteLength
    try {
      files.stored.add(uid, accepted.byteLength)
    } catch (error) {
      file.destroy(error instanceof Error ? error : new Error(String(error)))
      return
    }
    file.write(accepted)
    if (accepted !== received) end('too-large')
  }
  let isWaiting = false
  const writeInTurn = async () => {
    if (isWaiting || file.writableNeedDrain) return
    isWaiting = true
    await nextTurn()
    isWaiting = false
    if (file.writable) write()
  }
  const onReadable = () => void writeInTurn()
  const onEnd = () => end('whole')
  const onClose = () => {
    write()
    if (file.writable) end('broken-off')
  }
  file.on('drain', onReadable)
  request.on('readable', onReadable).on('end', onEnd).on('close', onClose)
  if (request.closed) onClose()
  try {
    await finished(file)
  } finally {
    stopReading()
  }
  return saved
}
