/**
 * Remuxes one file in a child process of its own with limited heap and time: a few bytes can make a parser loop
 * or allocate endlessly. It is not the process of media-reader.ts, which reads the files of waiting uploads.
 */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'

import { z } from 'zod'

import { startChildProcess } from '../child-process.ts'
import { remuxResultSchema, type RemuxResult } from './rendition.ts'

/** A file, and the paths of the files to write. */
export interface RemuxJob {
  readonly path: string
  readonly sizeBytes: number
  readonly durationSeconds: number
  readonly videoPath: string
  readonly audioPath: string
}

/** Files below this size get the lower heap limit. */
const LARGE_FILE_BYTES = 16_777_216
const SMALL_HEAP_MB = 96
/** The tables of ten hours at 60 frames per second need 380 MB. */
const LARGE_HEAP_MB = 512

/** Timeout in milliseconds, which grows with the file and its duration. */
const TIMEOUT_MS = 10_000
/** 20 MB per second, which a busy disk reads and writes. */
const BYTES_PER_MS = 20_000
/** A second of 60 pictures and 43 pieces of sound takes 3 ms. */
const MS_PER_SECOND = 6

const failedSchema = z.object({ kind: z.literal('failed'), message: z.string() })

/**
 * Writes the segments of the file's tracks. Returns `unplayable` for a file that mediabunny cannot read or that
 * exceeds the limits. Rejects if the signal aborts, the process cannot start or the disk fails.
 */
export async function remuxFile(job: RemuxJob, signal: AbortSignal): Promise<RemuxResult> {
  signal.throwIfAborted()
  const heapMb = job.sizeBytes < LARGE_FILE_BYTES ? SMALL_HEAP_MB : LARGE_HEAP_MB
  const child = startChildProcess(new URL('./remux-process.js', import.meta.url), heapMb)
  const end = () => child.kill('SIGKILL')
  signal.addEventListener('abort', end)
  try {
    // `exit` can precede the message; `close` follows both.
    const ended = once(child, 'close')
    let message: unknown = null
    child.once('message', (value: unknown) => {
      message = value
    })
    const moreMs = job.sizeBytes / BYTES_PER_MS + job.durationSeconds * MS_PER_SECOND
    const timeoutMs = TIMEOUT_MS + Math.ceil(moreMs)
    // Without a callback, a message to an ended process emits an error event.
    child.send({ ...job, timeoutMs }, () => undefined)
    // After the end, the process writes no more.
    await ended
    signal.throwIfAborted()
    return readMessage(message, child)
  } finally {
    signal.removeEventListener('abort', end)
  }
}

function readMessage(message: unknown, child: ChildProcess): RemuxResult {
  const failed = failedSchema.safeParse(message)
  if (failed.success) throw new Error(`Remuxing failed: ${failed.data.message}`)
  if (message === null && child.signalCode === null) {
    throw new Error(
      `The process that remuxes files ended with ${child.exitCode}. Check that ./remux-process.js and the package mediabunny are installed.`,
    )
  }
  const result = remuxResultSchema.safeParse(message)
  // The watchdog or V8's heap limit killed the process, or a number is not finite.
  return result.success
    ? result.data
    : { kind: 'unplayable', reason: 'it takes too much time or memory to read' }
}
