/** Writes the body of a PATCH into its file as it comes, and keeps what came when the line breaks. */
import { createWriteStream } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { finished } from 'node:stream/promises'

import { WAITING_BYTES } from '../state/video-files.ts'

/** What came of a body; all of its bytes are in the file. */
export interface SavedChunk {
  readonly bytes: number
  /** `too-large`: more than the most came, and the rest was left out. */
  readonly ending: 'whole' | 'broken-off' | 'too-large'
}

/**
 * Resolves once the file is written and closed, also after the client hung up: "the Server SHOULD
 * always attempt to store as much of the received data as possible".
 * https://tus.io/protocols/resumable-upload#patch
 * Rejects where the file cannot be written (any more).
 * @param offset where in the file the body's first byte goes
 * @param maxBytes nothing is written beyond so many bytes of the body
 */
export async function saveChunk(
  request: IncomingMessage,
  path: string,
  offset: number,
  maxBytes: number,
): Promise<SavedChunk> {
  const file = createWriteStream(path, {
    flags: 'r+',
    start: offset,
    highWaterMark: WAITING_BYTES,
  })
  const saved: { bytes: number; ending: SavedChunk['ending'] } = { bytes: 0, ending: 'broken-off' }
  const end = (ending: SavedChunk['ending']) => {
    request.off('data', take).off('end', endWhole).off('close', endBrokenOff)
    saved.ending = ending
    file.end()
  }
  const take = (piece: Buffer) => {
    const room = maxBytes - saved.bytes
    const taken = piece.byteLength > room ? piece.subarray(0, room) : piece
    saved.bytes += taken.byteLength
    if (!file.write(taken)) request.pause()
    if (taken !== piece) end('too-large')
  }
  const endWhole = () => end('whole')
  // Whatever arrived before the line broke has been taken by now: of a connection that is held back
  // Node does not read the end either.
  const endBrokenOff = () => end('broken-off')
  file.on('drain', () => request.resume())
  request.on('data', take).on('end', endWhole).on('close', endBrokenOff)
  if (request.closed) endBrokenOff()
  try {
    await finished(file)
  } finally {
    request.off('data', take).off('end', endWhole).off('close', endBrokenOff)
  }
  return saved
}
