/**
 * Segments and manifests of videos for HLS and DASH. They are made at the first request, in a folder per video beside
 * the received files, and then served as files: a manifest of ten hours has 400 kB.
 */
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import { largeProcessesPerCreator, processesPerCreator } from '../child-process.ts'
import { FairQueue } from '../fair-queue.ts'
import {
  FILE_MODE,
  FOLDER_MODE,
  PARTIAL,
  ownNamesIn,
  removeAndFree,
  type VideoFiles,
} from '../state/video-files.ts'
import type { Video } from '../state/video.ts'
import { remuxFile, type RemuxLimits, type RemuxOutcome } from './remux-file.ts'

/** Folder of a video's segments, or the reason why there are none, as a clause of a sentence. */
export type RemuxResult =
  | { readonly kind: 'remuxed'; readonly folder: string }
  | { readonly kind: 'unplayable'; readonly reason: string }

/** Files that are remuxed at the same time, per attempt. An attempt may take two minutes. */
const MAX_RUNNING = 3

/** Limits of the first attempt, in which most files end: five minutes of video take 0.5 s. */
const QUICK: RemuxLimits = { attempt: 'first', heapMb: 96, timeoutMs: 1000 }

/** Files from this size on get the higher heap limit: the tables of ten hours at 60 frames per second need 380 MB. */
const LARGE_FILE_BYTES = 16_777_216
const SMALL_HEAP_MB = 96
const LARGE_HEAP_MB = 512

/**
 * Processor time of the second attempt, which grows with the file and not with its duration: the duration costs the uploader
 * nothing. A packet takes 0.012 ms, and 3 ns more for each packet in its chunk. The worst is a silent video of one
 * color, which ffmpeg writes as one chunk: 20 minutes at 60 frames per second have 952 kB, and need up to 20 seconds.
 */
const TIMEOUT_MS = 4000
const BYTES_PER_MS = 25
/** Ten hours at 60 frames per second with sound need 50 seconds. */
const MAX_TIMEOUT_MS = 120_000

/**
 * Bytes that the segments may have in addition to twice the file: headers of the tracks, and per second of the video
 * headers of segments.
 */
const MORE_BYTES = 65_536
const MORE_BYTES_PER_SECOND = 256

/** File in the folder of a video without segments. Its content is the reason. */
const REASON_FILE = 'unplayable.txt'

/** A video that is being remuxed. */
interface Loading {
  readonly result: Promise<RemuxResult>
  readonly removal: AbortController
}

export class Renditions {
  readonly #files: VideoFiles
  readonly #closing: AbortSignal
  readonly #loading = new Map<string, Loading>()
  /** Files that exceed the limits of the first attempt do not delay the first attempts of others. */
  readonly #firstAttempts = new FairQueue(MAX_RUNNING, processesPerCreator)
  readonly #secondAttempts = new FairQueue(MAX_RUNNING, largeProcessesPerCreator)

  constructor(files: VideoFiles, closing: AbortSignal) {
    this.#files = files
    this.#closing = closing
  }

  /** Removes segments that the last run left unfinished, and counts the bytes of the others. */
  async prepare(): Promise<void> {
    for (const name of await ownNamesIn(this.#directory).catch(() => [])) {
      const folder = join(this.#directory, name)
      if (name.endsWith(PARTIAL)) await rm(folder, { recursive: true, force: true })
      else this.#files.stored.set(name, this.#files.stored.of(name) + (await bytesIn(folder)))
    }
  }

  /**
   * Returns the segments of a received video, after remuxing it if no request did before. The video must exist when
   * this is called. Rejects if it is removed in the meantime, the emulator closes, or the disk fails.
   */
  find(video: Video): Promise<RemuxResult> {
    // Known at once, so that `remove` waits for it.
    const loading = this.#loading.get(video.uid) ?? this.#startLoading(video)
    return loading.result
  }

  /** Ends the remuxing of a video and removes its segments. */
  async remove(uid: string): Promise<void> {
    const loading = this.#loading.get(uid)
    loading?.removal.abort()
    await loading?.result.catch(() => undefined)
    const folder = this.#folder(uid)
    for (const name of await readdir(folder).catch(() => []))
      await removeAndFree(join(folder, name))
    await rm(folder, { recursive: true, force: true })
    await rm(`${folder}${PARTIAL}`, { recursive: true, force: true })
  }

  get #directory(): string {
    return join(dirname(this.#files.directory), 'segments')
  }

  #folder(uid: string): string {
    return join(this.#directory, uid)
  }

  #startLoading(video: Video): Loading {
    const removal = new AbortController()
    const loading = { result: this.#load(video, removal.signal), removal }
    this.#loading.set(video.uid, loading)
    void loading.result
      // The callers of `find` get the error; the next request tries again.
      .catch(() => undefined)
      .finally(() => this.#loading.delete(video.uid))
    return loading
  }

  async #load(video: Video, removal: AbortSignal): Promise<RemuxResult> {
    const folder = this.#folder(video.uid)
    const stored = await readStored(folder)
    if (stored !== null) return stored
    const signal = AbortSignal.any([this.#closing, removal])
    const sizeBytes = video.sizeBytes ?? 0
    const limits: RemuxLimits = {
      attempt: 'second',
      heapMb: sizeBytes < LARGE_FILE_BYTES ? SMALL_HEAP_MB : LARGE_HEAP_MB,
      timeoutMs: Math.min(TIMEOUT_MS + Math.ceil(sizeBytes / BYTES_PER_MS), MAX_TIMEOUT_MS),
    }
    const attempt = (queue: FairQueue, attemptLimits: RemuxLimits) =>
      queue.run(video.creator, signal, () => this.#remux(video, attemptLimits, signal))
    let outcome = await attempt(this.#firstAttempts, QUICK)
    if (outcome.kind === 'exceeded') outcome = await attempt(this.#secondAttempts, limits)
    if (outcome.kind === 'remuxed') return { kind: 'remuxed', folder }
    const reason =
      outcome.kind === 'unplayable' ? outcome.reason : 'it takes too much time or memory to read'
    await this.#inFolder(video.uid, async (partial) => {
      await writeFile(join(partial, REASON_FILE), reason, { mode: FILE_MODE })
      return true
    })
    return { kind: 'unplayable', reason }
  }

  async #remux(video: Video, limits: RemuxLimits, signal: AbortSignal): Promise<RemuxOutcome> {
    const { uid, media } = video
    const durationSeconds = media?.durationSeconds ?? 0
    const moreBytes = MORE_BYTES + Math.ceil(MORE_BYTES_PER_SECOND * durationSeconds)
    const maxBytes = 2 * (video.sizeBytes ?? 0) + moreBytes
    const { stored } = this.#files
    const receivedBytes = stored.of(uid)
    stored.add(uid, maxBytes)
    let segmentBytes = 0
    let outcome: RemuxOutcome = { kind: 'exceeded' }
    await this.#inFolder(uid, async (folder) => {
      const job = {
        path: this.#files.path(uid),
        durationSeconds,
        width: media?.width ?? 0,
        height: media?.height ?? 0,
        folder,
        maxBytes,
      }
      outcome = await remuxFile(job, limits, signal)
      if (outcome.kind !== 'remuxed') return false
      segmentBytes = await bytesIn(folder)
      return true
    }).finally(() => stored.set(uid, receivedBytes + segmentBytes))
    return outcome
  }

  /** Has the files of a video written to a new folder, and keeps the folder if `write` returns true. */
  async #inFolder(uid: string, write: (folder: string) => Promise<boolean>): Promise<void> {
    const folder = this.#folder(uid)
    const partial = `${folder}${PARTIAL}`
    await rm(partial, { recursive: true, force: true })
    await mkdir(partial, { recursive: true, mode: FOLDER_MODE })
    try {
      // The folder exists only with all of its files, also after a crash.
      if (await write(partial)) await rename(partial, folder)
    } finally {
      await rm(partial, { recursive: true, force: true })
    }
  }
}

/** Returns the size of the files in a folder. */
async function bytesIn(folder: string): Promise<number> {
  let bytes = 0
  for (const name of await readdir(folder)) bytes += (await stat(join(folder, name))).size
  return bytes
}

/** Returns null if the video has not been remuxed. */
async function readStored(folder: string): Promise<RemuxResult | null> {
  const isStored = await stat(folder).then(
    () => true,
    () => false,
  )
  if (!isStored) return null
  const reason = await readFile(join(folder, REASON_FILE), 'utf8').catch(() => null)
  return reason === null ? { kind: 'remuxed', folder } : { kind: 'unplayable', reason }
}
