/**
 * Reads media files in child processes with a limited heap and a limited time: a few bytes of a file
 * can make any reader of it loop or allocate without end. A thread would not do: V8 ends the whole
 * process when one large allocation meets the heap limit of a worker thread.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'

import { z } from 'zod'

/** What a child process found in a file. */
const mediaReadingSchema = z.object({
  kind: z.enum(['video', 'no-video', 'damaged']),
  /** MIME type of the container; null where it is none that is known. */
  contentType: z.string().nullable(),
  durationSeconds: z.number().min(0).max(1e12).nullable(),
  width: z.number().positive().nullable(),
  height: z.number().positive().nullable(),
})
export type MediaReading = z.infer<typeof mediaReadingSchema>

export interface ReadingLimits {
  /** Of V8's old generation, in MiB. */
  readonly heapMb: number
  /** For one file, in milliseconds. */
  readonly timeoutMs: number
}

/**
 * Files below this size share a process with tight limits, so that what costs little to send costs
 * little to read, and a slow large file delays no small one. Bytes.
 */
const LARGE_FILE_BYTES = 16_777_216
const SMALL_FILE: ReadingLimits = { heapMb: 96, timeoutMs: 3000 }
/** Ten hours at 60 frames a second need 380 MB and two seconds. */
const LARGE_FILE: ReadingLimits = { heapMb: 384, timeoutMs: 20_000 }

/** An idle process ends after this time, in milliseconds. */
const IDLE_MS = 10_000

const DAMAGED: MediaReading = {
  kind: 'damaged',
  contentType: null,
  durationSeconds: null,
  width: null,
  height: null,
}

/** Starts its processes when the first file comes; `close` ends them. */
export class MediaReader {
  readonly #smallFiles: ReaderProcess
  readonly #largeFiles: ReaderProcess

  constructor() {
    this.#smallFiles = new ReaderProcess(SMALL_FILE)
    this.#largeFiles = new ReaderProcess(LARGE_FILE)
  }

  /**
   * Reads one file; files of about the same size wait for each other. A file that ends the process
   * or takes too long is `damaged`. Rejects where no process can be started, and when the reader is
   * closed meanwhile.
   * @param onStart called just before the file is opened; what it throws rejects the reading
   */
  read(path: string, sizeBytes: number, onStart: () => void): Promise<MediaReading> {
    const process = sizeBytes < LARGE_FILE_BYTES ? this.#smallFiles : this.#largeFiles
    return process.read(path, onStart)
  }

  async close(): Promise<void> {
    await Promise.all([this.#smallFiles.close(), this.#largeFiles.close()])
  }
}

/** One child process at a time, replaced when a file has ended it; one file at a time. */
class ReaderProcess {
  readonly #limits: ReadingLimits
  #child: ChildProcess | null = null
  #last: Promise<unknown> = Promise.resolve()
  #idleTimer: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(limits: ReadingLimits) {
    this.#limits = limits
  }

  read(path: string, onStart: () => void): Promise<MediaReading> {
    const reading = this.#last.then(() => this.#readNext(path, onStart))
    this.#last = reading.catch(() => undefined)
    return reading
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#end()
    await this.#last
  }

  async #readNext(path: string, onStart: () => void): Promise<MediaReading> {
    if (this.#isClosed) throw closedError()
    clearTimeout(this.#idleTimer)
    const child = this.#child ?? (await this.#start())
    onStart()
    child.send({ path: resolve(path), timeoutMs: this.#limits.timeoutMs })
    const message = await nextMessage(child)
    if (this.#isClosed) throw closedError()
    if (message === null) return DAMAGED
    this.#idleTimer = setTimeout(() => this.#end(), IDLE_MS).unref()
    // Numbers that JSON has no word for, as NaN, come as null; others may be negative.
    return mediaReadingSchema.safeParse(message).data ?? DAMAGED
  }

  async #start(): Promise<ChildProcess> {
    const child = fork(new URL('./media-process.js', import.meta.url), [], {
      execArgv: [`--max-old-space-size=${this.#limits.heapMb}`],
      // Of the variables only how modules are found; secrets stay here.
      env: { NODE_OPTIONS: process.env['NODE_OPTIONS'] },
      // V8 writes a report to standard error when memory runs out.
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    this.#child = child
    child.once('exit', () => {
      if (this.#child === child) this.#child = null
    })
    // A message to a process that has ended is an error event; the reading sees the exit.
    child.on('error', () => undefined)
    child.unref()
    child.channel?.unref()
    if ((await nextMessage(child)) === null) {
      throw new Error(
        `The process that reads media files ended with ${child.signalCode ?? child.exitCode} before it was ready. Check that ./media-process.js and the package mediabunny are installed.`,
      )
    }
    return child
  }

  #end(): void {
    clearTimeout(this.#idleTimer)
    this.#child?.kill('SIGKILL')
    this.#child = null
  }
}

/** Null when the process ends without one; rejects when it cannot be started. */
async function nextMessage(child: ChildProcess): Promise<unknown> {
  const over = new AbortController()
  const { signal } = over
  try {
    return await Promise.race([
      once(child, 'message', { signal }).then((values: unknown[]) => values[0]),
      once(child, 'exit', { signal }).then(() => null),
    ])
  } finally {
    over.abort()
  }
}

function closedError(): Error {
  return new Error('The media reader is closed.')
}
