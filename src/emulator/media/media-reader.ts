/**
 * Reads media files in child processes with limited heap and time, because a few bytes can make a parser
 * loop or allocate endlessly.
 */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'

import { z } from 'zod'

import {
  type Attempt,
  largeProcessesPerCreator,
  processesPerCreator,
  startChildProcess,
} from '../child-process.ts'
import { CreatorLimit } from '../creator-limit.ts'
import { FairQueue } from '../fair-queue.ts'

/** A child process's result for one file. */
const mediaReadingSchema = z.object({
  kind: z.enum(['video', 'no-video', 'damaged']),
  /** MIME type of the container; null if unknown. */
  contentType: z.string().nullable(),
  durationSeconds: z.number().min(0).max(1e12).nullable(),
  width: z.number().positive().nullable(),
  height: z.number().positive().nullable(),
})
export type MediaReading = z.infer<typeof mediaReadingSchema>

export interface ReadingLimits {
  /** Heap limit of V8's old generation, in MiB. */
  readonly heapMb: number
  /** Processor time of the first attempt in milliseconds; for large files it grows with the size. */
  readonly firstMs: number
  /** Processor time of the second attempt in milliseconds; for large files it grows with the size. */
  readonly secondMs: number
}

/**
 * Files below this size are read by separate processes with low limits. Small uploads therefore use few
 * resources, and slow large files do not delay small ones.
 */
const LARGE_FILE_BYTES = 16_777_216
const SMALL_FILE: ReadingLimits = { heapMb: 64, firstMs: 250, secondMs: 2000 }
/** Limits for large files. Ten hours at 60 frames per second need 380 MB and two seconds. */
const LARGE_FILE: ReadingLimits = { heapMb: 384, firstMs: 4000, secondMs: 20_000 }
/**
 * A large file's timeout grows by one millisecond per this many bytes. A live recording has no
 * index and is read from start to end, which takes 1.5 seconds per gigabyte on an idle disk.
 */
const BYTES_PER_MS = 100_000

/** Milliseconds after which an idle process ends. */
const IDLE_MS = 10_000

/** Job message to a child process. */
interface Job {
  readonly path: string
  /** Processor time of each of the process's two readers. */
  readonly timeoutMs: number
}

/** A received file. */
export interface ReceivedFile {
  readonly path: string
  readonly sizeBytes: number
  /** Creator of the video. Creators take turns. */
  readonly creator: string | null
}

const DAMAGED: MediaReading = {
  kind: 'damaged',
  contentType: null,
  durationSeconds: null,
  width: null,
  height: null,
}

/** Runs one child process, which reads one file at a time. After a process has ended, the next file starts another. */
class ReaderProcess {
  readonly #heapMb: number
  readonly #attempt: Attempt
  #child: ChildProcess | null = null
  #starting: Promise<ChildProcess> | null = null
  #idleTimer: NodeJS.Timeout | undefined

  constructor(heapMb: number, attempt: Attempt) {
    this.#heapMb = heapMb
    this.#attempt = attempt
  }

  get isRunning(): boolean {
    return this.#child !== null
  }

  /** Starts the process in the background. If that fails, the next file starts it again, and reports the error. */
  startEarly(): void {
    this.#running().catch(() => undefined)
  }

  /** Reads a file. Returns null if the file timed out or ended the process. */
  async read(job: Job, signal: AbortSignal, onStart: () => void): Promise<MediaReading | null> {
    signal.throwIfAborted()
    const child = await this.#running()
    clearTimeout(this.#idleTimer)
    const end = () => this.#end()
    signal.addEventListener('abort', end)
    try {
      signal.throwIfAborted()
      onStart()
      child.send(job)
      const message = await nextMessage(child)
      if (message === null) {
        signal.throwIfAborted()
        return null
      }
      // NaN and infinite numbers arrive as null; other numbers may be negative.
      return mediaReadingSchema.safeParse(message).data ?? DAMAGED
    } finally {
      signal.removeEventListener('abort', end)
      this.#endWhenIdle()
    }
  }

  /** Resolves when the process runs. */
  async #running(): Promise<ChildProcess> {
    if (this.#child !== null) return this.#child
    this.#starting ??= this.#start().finally(() => {
      this.#starting = null
    })
    return this.#starting
  }

  async #start(): Promise<ChildProcess> {
    const module = new URL('./media-process.js', import.meta.url)
    const child = await startChildProcess(module, this.#heapMb, this.#attempt)
    // A message to an ended process emits an error event.
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
    this.#endWhenIdle()
    return child
  }

  #endWhenIdle(): void {
    clearTimeout(this.#idleTimer)
    this.#idleTimer = setTimeout(() => this.#end(), IDLE_MS).unref()
  }

  /** Kills the process. */
  #end(): void {
    this.#child?.kill('SIGKILL')
    this.#child = null
  }
}

/** Files that are read at the same time, per size class and attempt. */
const MAX_RUNNING = 3
/** Milliseconds after which a file is slow: most take 10, and end no process. */
const SLOW_MS = 50
/** The files of one creator wait for each other, and not those of others: each may end its process. */
const MAX_RUNNING_PER_CREATOR = 1

/** Reads files at the same time, in the turns of their creators, each in a process of its own. */
class ReaderProcesses {
  readonly #heapMb: number
  readonly #attempt: Attempt
  readonly #queue: FairQueue
  /** Those that read no file. Those whose process runs are last, and used first. */
  readonly #idle: ReaderProcess[] = []
  #count = 0

  constructor(heapMb: number, attempt: Attempt, perCreator: CreatorLimit) {
    this.#heapMb = heapMb
    this.#attempt = attempt
    this.#queue = new FairQueue(MAX_RUNNING, new CreatorLimit(MAX_RUNNING_PER_CREATOR, perCreator))
  }

  /** Reads a file when it is its turn. Returns null if the file timed out or ended its process. */
  read(
    job: Job,
    creator: string | null,
    signal: AbortSignal,
    onStart: () => void,
  ): Promise<MediaReading | null> {
    return this.#queue.run(creator, signal, async () => {
      const reader = this.#idle.pop() ?? this.#add()
      let slow: NodeJS.Timeout | undefined
      try {
        return await reader.read(job, signal, () => {
          onStart()
          slow = setTimeout(() => this.#startNext(), SLOW_MS).unref()
        })
      } finally {
        clearTimeout(slow)
        if (reader.isRunning) this.#idle.push(reader)
        else this.#idle.unshift(reader)
      }
    })
  }

  #add(): ReaderProcess {
    this.#count += 1
    return new ReaderProcess(this.#heapMb, this.#attempt)
  }

  /**
   * Has a process ready for the next file, because a slow one may end its own. A start takes 0.1 seconds, and one second
   * while others use the processors. Second attempts have no such process: their files have waited longer than that.
   */
  #startNext(): void {
    if (this.#attempt === 'second') return
    if (this.#idle.length === 0 && this.#count < MAX_RUNNING) this.#idle.push(this.#add())
    this.#idle.at(-1)?.startEarly()
  }
}

/**
 * Reads files of one size class. Files that exceeded the short first timeout are repeated by other processes, so that
 * other files do not wait for slow ones.
 */
class FileReader {
  readonly #limits: ReadingLimits
  readonly #first: ReaderProcesses
  readonly #second: ReaderProcesses

  constructor(limits: ReadingLimits, perCreator: CreatorLimit) {
    this.#limits = limits
    this.#first = new ReaderProcesses(limits.heapMb, 'first', perCreator)
    this.#second = new ReaderProcesses(limits.heapMb, 'second', perCreator)
  }

  /** @param moreMs time in addition to the limits */
  async read(
    { path, creator }: ReceivedFile,
    moreMs: number,
    signal: AbortSignal,
    onStart: () => void,
  ): Promise<MediaReading> {
    const { firstMs, secondMs } = this.#limits
    const first = { path, timeoutMs: firstMs + moreMs }
    const second = { path, timeoutMs: secondMs + moreMs }
    return (
      (await this.#first.read(first, creator, signal, onStart)) ??
      (await this.#second.read(second, creator, signal, onStart)) ??
      DAMAGED
    )
  }
}

const smallFiles = new FileReader(SMALL_FILE, processesPerCreator)
const largeFiles = new FileReader(LARGE_FILE, largeProcessesPerCreator)

/**
 * Reads one file. Small and large files have separate queues. Returns `damaged` for a file that twice times
 * out or ends the child process. Rejects if no process can be started or the signal aborts. All emulators in
 * this process share the child processes, because a start takes at least 0.1 seconds. Child processes end when
 * they are idle and when this process ends.
 * @param onStart called before each attempt to read the file; if it throws, the promise rejects with its error
 */
export function readMedia(
  file: ReceivedFile,
  signal: AbortSignal,
  onStart: () => void,
): Promise<MediaReading> {
  const resolved = { ...file, path: resolve(file.path) }
  if (file.sizeBytes < LARGE_FILE_BYTES) return smallFiles.read(resolved, 0, signal, onStart)
  const moreMs = Math.ceil(file.sizeBytes / BYTES_PER_MS)
  return largeFiles.read(resolved, moreMs, signal, onStart)
}

/** Resolves to the next message, or to null if the process ends first. Rejects if the process cannot start. */
async function nextMessage(child: ChildProcess): Promise<unknown> {
  const done = new AbortController()
  const { signal } = done
  try {
    return await Promise.race([
      once(child, 'message', { signal }).then((values: unknown[]) => values[0]),
      once(child, 'exit', { signal }).then(() => null),
    ])
  } finally {
    done.abort()
  }
}
