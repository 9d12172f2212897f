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
  /** For one file, in milliseconds; large files have more by their size. */
  readonly timeoutMs: number
}

/**
 * Files below this size share a process with tight limits, so that what costs little to send costs
 * little to read, and a slow large file delays no small one. Bytes.
 */
const LARGE_FILE_BYTES = 16_777_216
const SMALL_FILE: ReadingLimits = { heapMb: 64, timeoutMs: 2000 }
/** Ten hours at 60 frames a second need 380 MB and two seconds. */
const LARGE_FILE: ReadingLimits = { heapMb: 384, timeoutMs: 20_000 }
/**
 * A large file has one millisecond more for so many bytes: a live recording has no index and is read
 * from start to end, which takes 1.5 seconds a gigabyte on an idle disk.
 */
const BYTES_PER_MS = 100_000

/** An idle process ends after this time, in milliseconds. */
const IDLE_MS = 10_000

/** What a child process is told to read. */
interface Job {
  readonly path: string
  readonly timeoutMs: number
}

const DAMAGED: MediaReading = {
  kind: 'damaged',
  contentType: null,
  durationSeconds: null,
  width: null,
  height: null,
}

/** One child process at a time, replaced when a file has ended it; one file at a time. */
class ReaderProcess {
  readonly #heapMb: number
  #child: ChildProcess | null = null
  #last: Promise<unknown> = Promise.resolve()
  #idleTimer: NodeJS.Timeout | undefined

  constructor(heapMb: number) {
    this.#heapMb = heapMb
  }

  read(job: Job, signal: AbortSignal, onStart: () => void): Promise<MediaReading> {
    const reading = this.#last.then(() => this.#readNext(job, signal, onStart))
    this.#last = reading.catch(() => undefined)
    return reading
  }

  async #readNext(job: Job, signal: AbortSignal, onStart: () => void): Promise<MediaReading> {
    clearTimeout(this.#idleTimer)
    signal.throwIfAborted()
    const child = this.#child ?? (await this.#start())
    const end = () => this.#end()
    signal.addEventListener('abort', end)
    try {
      signal.throwIfAborted()
      onStart()
      child.send(job)
      const message = await nextMessage(child)
      if (message === null) signal.throwIfAborted()
      // Numbers that JSON has no word for, as NaN, come as null; others may be negative.
      return mediaReadingSchema.safeParse(message).data ?? DAMAGED
    } finally {
      signal.removeEventListener('abort', end)
      this.#idleTimer = setTimeout(end, IDLE_MS).unref()
    }
  }

  async #start(): Promise<ChildProcess> {
    const child = fork(new URL('./media-process.js', import.meta.url), [], {
      execArgv: [`--max-old-space-size=${this.#heapMb}`],
      // Of the variables only how modules are found; secrets stay here.
      env: { NODE_OPTIONS: process.env['NODE_OPTIONS'] },
      // V8 writes a report to standard error when memory runs out.
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    // A message to a process that has ended is an error event.
    child.on('error', () => undefined)
    child.unref()
    child.channel?.unref()
    if ((await nextMessage(child)) === null) {
      throw new Error(
        `The process that reads media files ended with ${child.signalCode ?? child.exitCode} before it was ready. Check that ./media-process.js and the package mediabunny are installed.`,
      )
    }
    child.once('exit', () => {
      if (this.#child === child) this.#child = null
    })
    this.#child = child
    return child
  }

  /** The next file gets another process. */
  #end(): void {
    this.#child?.kill('SIGKILL')
    this.#child = null
  }
}

const smallFiles = new ReaderProcess(SMALL_FILE.heapMb)
const largeFiles = new ReaderProcess(LARGE_FILE.heapMb)

/**
 * Reads one file; files of about the same size wait for each other. A file that ends the child process
 * or takes too long is `damaged`. Rejects where no process can be started, and when the signal aborts.
 * The processes belong to all emulators of this one: each start takes a tenth of a second or more.
 * They end when idle, and with this process.
 * @param onStart called just before the file is opened; what it throws rejects the reading
 */
export function readMedia(
  path: string,
  sizeBytes: number,
  signal: AbortSignal,
  onStart: () => void,
): Promise<MediaReading> {
  if (sizeBytes < LARGE_FILE_BYTES) {
    const job = { path: resolve(path), timeoutMs: SMALL_FILE.timeoutMs }
    return smallFiles.read(job, signal, onStart)
  }
  const timeoutMs = LARGE_FILE.timeoutMs + Math.ceil(sizeBytes / BYTES_PER_MS)
  return largeFiles.read({ path: resolve(path), timeoutMs }, signal, onStart)
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
