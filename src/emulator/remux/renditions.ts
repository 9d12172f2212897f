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
  async find(uid: string): Promise<RemuxResult> {
    const cached = this.#cached.get(uid)
    if (cached !== undefined) return cached
    const loading = this.#loading.get(uid) ?? this.#startLoading(uid)
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

  #startLoading(uid: string): Loading {
    const removal = new AbortController()
    const signal = AbortSignal.any([this.#closing, removal.signal])
    const loading = { result: this.#load(uid, signal), removal }
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
  async #load(uid: string, signal: AbortSignal): Promise<RemuxResult> {
    const path = this.#resultPath(uid)
    const stored = await readResult(path)
    if (stored !== null) return stored
    const result = await this.#inTurn(() => this.#remux(uid, signal))
    await writeFile(`${path}${PARTIAL}`, JSON.stringify(result), { mode: FILE_MODE })
    await rename(`${path}${PARTIAL}`, path)
    return result
  }

  async #remux(uid: string, signal: AbortSignal): Promise<RemuxResult> {
    const [videoPath, audioPath] = [this.path(uid, 'video'), this.path(uid, 'audio')]
    const partial = {
      path: this.#files.path(uid),
      videoPath: `${videoPath}${PARTIAL}`,
      audioPath: `${audioPath}${PARTIAL}`,
    }
    const size = (await this.#files.size(uid)) ?? 0
    try {
      const result = await remuxFile(partial, size, signal)
      if (result.kind === 'remuxed') {
        await rename(partial.videoPath, videoPath)
        if (result.audio !== null) await rename(partial.audioPath, audioPath)
      }
      return result
    } finally {
      await rm(partial.videoPath, { force: true })
      await rm(partial.audioPath, { force: true })
    }
  }

  /** Runs the work when fewer than `MAX_RUNNING` others run. */
  async #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#running >= MAX_RUNNING) await new Promise<void>((start) => this.#waiting.push(start))
    else this.#running += 1
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#running -= 1
      else next()
    }
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
