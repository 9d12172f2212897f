/** Segments of videos for HLS and DASH. They are made at the first request and stored beside the received file. */
import { readFile, rename, rm, writeFile } from 'node:fs/promises'

import { FILE_MODE, PARTIAL, type VideoFiles } from '../state/video-files.ts'
import { remuxFile } from './remux-file.ts'
import { remuxResultSchema, TRACKS, type RemuxResult, type TrackName } from './rendition.ts'

/** Files that are remuxed at the same time; others wait, so that many requests start few processes. */
const MAX_RUNNING = 2

/** Videos whose segment tables stay in memory; the table of ten hours takes 1 MB. */
const MAX_CACHED = 50

/** A video that is being loaded or remuxed. */
interface Loading {
  readonly result: Promise<RemuxResult>
  readonly removal: AbortController
}

export class Renditions {
  readonly #files: VideoFiles
  readonly #closing: AbortSignal
  readonly #loading = new Map<string, Loading>()
  /** By uid, oldest first. */
  readonly #cached = new Map<string, RemuxResult>()
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(files: VideoFiles, closing: AbortSignal) {
    this.#files = files
    this.#closing = closing
  }

  /** Path of a track's file. */
  path(uid: string, track: TrackName): string {
    return `${this.#files.path(uid)}.${track}.mp4`
  }

  /**
   * Returns the segments of a received video, after remuxing it if no request did before. Rejects if the video is
   * removed in the meantime, the emulator closes, or the disk fails.
   */
  async find(uid: string, durationSeconds: number): Promise<RemuxResult> {
    const cached = this.#cached.get(uid)
    if (cached !== undefined) return cached
    const loading = this.#loading.get(uid) ?? this.#startLoading(uid, durationSeconds)
    return loading.result
  }

  /** Ends the remuxing of a video and removes its files. */
  async remove(uid: string): Promise<void> {
    const loading = this.#loading.get(uid)
    loading?.removal.abort()
    await loading?.result.catch(() => undefined)
    this.#cached.delete(uid)
    const paths = [this.#resultPath(uid), ...TRACKS.map((track) => this.path(uid, track))]
    await Promise.all(
      paths.flatMap((path) => [path, `${path}${PARTIAL}`]).map((path) => rm(path, { force: true })),
    )
  }

  #startLoading(uid: string, durationSeconds: number): Loading {
    const removal = new AbortController()
    const signal = AbortSignal.any([this.#closing, removal.signal])
    const loading = { result: this.#load(uid, durationSeconds, signal), removal }
    this.#loading.set(uid, loading)
    void loading.result
      .then((result) => this.#cache(uid, result))
      // The callers of `find` get the error; the next request tries again.
      .catch(() => undefined)
      .finally(() => this.#loading.delete(uid))
    return loading
  }

  #cache(uid: string, result: RemuxResult): void {
    this.#cached.set(uid, result)
    const [oldest] = this.#cached.keys()
    // It is read from the disk again.
    if (this.#cached.size > MAX_CACHED && oldest !== undefined) this.#cached.delete(oldest)
  }

  /** Returns the stored result, or remuxes the file and stores the result last, because it makes the files valid. */
  async #load(uid: string, durationSeconds: number, signal: AbortSignal): Promise<RemuxResult> {
    const path = this.#resultPath(uid)
    const stored = await readResult(path)
    if (stored !== null) return stored
    signal.throwIfAborted()
    const result = await this.#inTurn(signal, () => this.#remux(uid, durationSeconds, signal))
    await writeFile(`${path}${PARTIAL}`, JSON.stringify(result), { mode: FILE_MODE })
    await rename(`${path}${PARTIAL}`, path)
    return result
  }

  async #remux(uid: string, durationSeconds: number, signal: AbortSignal): Promise<RemuxResult> {
    const [videoPath, audioPath] = [this.path(uid, 'video'), this.path(uid, 'audio')]
    const sizeBytes = (await this.#files.size(uid)) ?? 0
    const job = {
      path: this.#files.path(uid),
      sizeBytes,
      durationSeconds,
      videoPath: `${videoPath}${PARTIAL}`,
      audioPath: `${audioPath}${PARTIAL}`,
    }
    // The segments have the packets of the file.
    this.#files.stored.add(uid, sizeBytes)
    let isStored = false
    try {
      const result = await remuxFile(job, signal)
      if (result.kind === 'remuxed') {
        isStored = true
        await rename(job.videoPath, videoPath)
        if (result.audio !== null) await rename(job.audioPath, audioPath)
      }
      return result
    } finally {
      if (!isStored) this.#files.stored.set(uid, sizeBytes)
      await rm(job.videoPath, { force: true })
      await rm(job.audioPath, { force: true })
    }
  }

  /** Runs the work when fewer than `MAX_RUNNING` others run. Rejects if the signal aborts before. */
  async #inTurn<Result>(signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
    if (this.#running >= MAX_RUNNING) await this.#waitForTurn(signal)
    else this.#running += 1
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#running -= 1
      else next()
    }
  }

  #waitForTurn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(start), 1)
        reject(new Error('Remuxing was aborted.', { cause: signal.reason }))
      }
      const start = () => {
        signal.removeEventListener('abort', leave)
        resolve()
      }
      signal.addEventListener('abort', leave)
      this.#waiting.push(start)
    })
  }

  #resultPath(uid: string): string {
    return `${this.#files.path(uid)}.segments.json`
  }
}

/** Returns null without a stored result, and for one of another version. */
async function readResult(path: string): Promise<RemuxResult | null> {
  const text = await readFile(path, 'utf8').catch(() => null)
  if (text === null) return null
  try {
    return remuxResultSchema.safeParse(JSON.parse(text)).data ?? null
  } catch {
    // The disk was full, for example.
    return null
  }
}
