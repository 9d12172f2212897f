/** Chooses the size of the next tus chunk by the speed of the last ones. */
import { MIN_CHUNK_BYTES } from '../limits.ts'

/**
 * Maximum duration of a chunk at the measured speed. A size is rounded down to a multiple of 5 MiB, so a chunk
 * takes at least half as long, unless the gateway's maximum is smaller.
 */
const MAX_CHUNK_MS = 8000

/** Bytes and duration of the last chunks; zeros before the first. */
export interface MeasuredSpeed {
  readonly bytes: number
  readonly milliseconds: number
}

export const UNKNOWN_SPEED: MeasuredSpeed = { bytes: 0, milliseconds: 0 }

/** Adds a chunk. Each earlier chunk counts half as much as the next one, because connections change. */
export function addChunk(speed: MeasuredSpeed, bytes: number, milliseconds: number): MeasuredSpeed {
  return {
    bytes: speed.bytes / 2 + bytes,
    // The device's clock may be set back meanwhile.
    milliseconds: speed.milliseconds / 2 + Math.max(milliseconds, 1),
  }
}

/** Returns a multiple of 5 MiB, which Stream accepts; 5 MiB for an unknown speed. */
export function chunkBytesFor({ bytes, milliseconds }: MeasuredSpeed): number {
  if (bytes === 0) return MIN_CHUNK_BYTES
  const steps = Math.floor(((bytes / milliseconds) * MAX_CHUNK_MS) / MIN_CHUNK_BYTES)
  return Math.max(steps, 1) * MIN_CHUNK_BYTES
}
