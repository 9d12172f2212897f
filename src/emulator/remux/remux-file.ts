/**
 * Remuxes one file in a child process of its own with limited heap, memory and time: a few bytes can make a parser
 * loop or allocate endlessly. It is not the process of media-reader.ts, which reads the files of waiting uploads.
 */
import { once } from 'node:events'

import { z } from 'zod'

import { type Attempt, startChildProcess } from '../child-process.ts'

/** A file, and what its reading has found. */
export interface RemuxJob {
  readonly path: string
  /** Later packets are left out. */
  readonly durationSeconds: number
  readonly width: number
  readonly height: number
  /** Empty folder for the segments and manifests. */
  readonly folder: string
  /** Maximum of all segments together. */
  readonly maxBytes: number
}

export interface RemuxLimits {
  readonly attempt: Attempt
  /** Heap limit of V8's old generation, in MiB. */
  readonly heapMb: number
  /** Processor time in milliseconds. */
  readonly timeoutMs: number
}

const messageSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('remuxed') }),
  /** The reason is a clause of a sentence. */
  z.object({ kind: z.literal('unplayable'), reason: z.string() }),
  z.object({ kind: z.literal('failed'), message: z.string(), code: z.string().optional() }),
])
/** `exceeded`: the file needs more time or memory than the limits. */
export type RemuxOutcome =
  | Exclude<z.infer<typeof messageSchema>, { kind: 'failed' }>
  | { readonly kind: 'exceeded' }

/** The disk failed, not the file. `code` is the code of errno(3), such as ENOSPC. */
class RemuxError extends Error {
  override readonly name = 'RemuxError'
  readonly code: string | undefined

  constructor({ message, code }: { readonly message: string; readonly code?: string | undefined }) {
    super(`Remuxing failed: ${message}`)
    this.code = code
  }
}

/**
 * Writes the segments of the file's tracks, and their manifests. Returns `unplayable` for a file that mediabunny
 * cannot read. Rejects if the signal aborts, the process cannot start or the disk fails.
 */
export async function remuxFile(
  job: RemuxJob,
  { attempt, heapMb, timeoutMs }: RemuxLimits,
  signal: AbortSignal,
): Promise<RemuxOutcome> {
  signal.throwIfAborted()
  const module = new URL('./remux-process.js', import.meta.url)
  const child = await startChildProcess(module, heapMb, attempt)
  const end = () => child.kill('SIGKILL')
  signal.addEventListener('abort', end)
  if (signal.aborted) end()
  try {
    // `exit` can precede the message; `close` follows both.
    const ended = once(child, 'close')
    let message: unknown = null
    child.once('message', (value: unknown) => {
      message = value
    })
    // Without a callback, a message to an ended process emits an error event.
    child.send({ ...job, timeoutMs }, () => undefined)
    // After the end, the process writes no more.
    await ended
    signal.throwIfAborted()
    // The watchdog or V8's heap limit killed the process.
    if (message === null && child.signalCode !== null) return { kind: 'exceeded' }
    const outcome = messageSchema.safeParse(message)
    if (!outcome.success) {
      throw new Error(
        `The process that remuxes files ended with ${child.exitCode}. Check that ./remux-process.js and the package mediabunny are installed.`,
      )
    }
    if (outcome.data.kind === 'failed') throw new RemuxError(outcome.data)
    return outcome.data
  } finally {
    signal.removeEventListener('abort', end)
  }
}
