/** The files that were chosen on this page: Uppy keeps the queue, and this tells how each one does. */
import Uppy, { type Body, type Meta } from '@uppy/core'
import { UploadError, type UploadClient, type UploadProgress } from '../../client/client.ts'
import { type Store, createStore } from '../store.ts'
import { failureFrom } from './failure-messages.ts'
import { HeadgateUploader } from './uppy-uploader.ts'
import { type Journey, type JourneyTerms, beginJourney } from './queue-item.ts'
import { journeyAfter } from './journey-after.ts'
import { type Speedometer, createSpeedometer } from './transfer-rate.ts'
import { type LastSeen, createLastSeen } from './last-progress.ts'
import { termsFor } from './upload-settings.ts'

/** What is surely none; where the browser does not know the type, Stream finds out. */
const NO_VIDEO = /^(?:audio|image|text|font)\/|^application\/(?:pdf|zip|json)$/
const MOST_BYTES = 30_000_000_000
/** Progress is drawn so often at most, in milliseconds. */
const DRAW_MS = 100

export interface Queue {
  /** Newest first. */
  readonly journeys: Store<readonly Journey[]>
  /** Why the last choice was refused; null where it was not. */
  readonly refusal: Store<string | null>
  /** How far uploads were before a reload. */
  readonly lastSeen: LastSeen
  add(files: readonly File[], terms: JourneyTerms): void
  pause(journey: Journey): void
  resume(journey: Journey): void
  /** Begins anew with a file that failed. */
  retry(journey: Journey, terms: JourneyTerms): void
  /** Takes the file out; what was minted for it is deleted by whoever asks the client. */
  remove(journey: Journey): void
  /** Stops everything: it can go on when the files are chosen again. */
  close(): void
}

/** What goes with each file through Uppy. */
interface FileMeta extends Meta {
  readonly key?: string
}

const silent = (): void => {}

export function createQueue(client: UploadClient): Queue {
  const journeys = createStore<readonly Journey[]>([])
  const refusal = createStore<string | null>(null)
  const lastSeen = createLastSeen()
  let count = 0

  const uppy = new Uppy<FileMeta, Body>({
    autoProceed: true,
    restrictions: { maxFileSize: MOST_BYTES, minFileSize: 1 },
    // What goes wrong is said on the page.
    logger: { debug: silent, warn: silent, error: silent },
  })
  uppy.setOptions({
    locale: {
      strings: {
        exceedsSize: '%{file} is larger than 30 GB, the most that Stream takes.',
        inferiorSize: 'The file is empty.',
        noDuplicates: '%{fileName} is under way already.',
      },
    },
  })
  uppy.use(HeadgateUploader<FileMeta, Body>, { send })
  uppy.on('restriction-failed', (_file, error) => refusal.set(error.message))

  function update(key: string, change: Partial<Journey>): void {
    const all = journeys.get()
    const at = all.findIndex((one) => one.key === key)
    const before = all[at]
    if (before !== undefined) journeys.set(all.with(at, { ...before, ...change }))
  }

  function forget(key: string): void {
    journeys.set(journeys.get().filter((one) => one.key !== key))
  }

  function journeyOf(fileId: string): Journey {
    const key = uppy.getFile(fileId).meta.key
    const found = journeys.get().find((one) => one.key === key)
    if (found === undefined) throw new Error('Uppy sends a file that nobody chose.')
    return found
  }

  async function send(
    fileId: string,
    signal: AbortSignal,
    onProgress: (progress: UploadProgress) => void,
  ): Promise<void> {
    const { key, file, terms } = journeyOf(fileId)
    update(key, { state: 'preparing' })
    let maxDurationSeconds: number | null = null
    try {
      const chosen = await termsFor(client, file, terms)
      maxDurationSeconds = chosen.maxDurationSeconds ?? null
      const tell = tellerFor(key, createSpeedometer())
      await client.upload(file, {
        ...chosen,
        signal,
        onProgress(progress) {
          tell(progress)
          onProgress(progress)
        },
      })
      update(key, { state: 'ready', fraction: 1, bytesPerSecond: null })
    } catch (error) {
      if (isDeletion(error)) forget(key)
      else if (!signal.aborted) {
        const failure = failureFrom(error, maxDurationSeconds)
        update(key, { state: 'failed', failure, bytesPerSecond: null })
      }
      throw error
    }
  }

  function tellerFor(key: string, speedometer: Speedometer): (progress: UploadProgress) => void {
    let drawnAt = 0
    let phase: string | null = null
    return (progress) => {
      const now = Date.now()
      const bytesPerSecond =
        progress.phase === 'uploading' ? speedometer.see(progress.sentBytes, now) : null
      const isNews = progress.phase !== phase || progress.phase !== 'uploading'
      if (!isNews && now - drawnAt < DRAW_MS) return
      drawnAt = now
      phase = progress.phase
      const journey = journeys.get().find((one) => one.key === key)
      if (journey === undefined || journey.state === 'paused') return
      update(key, journeyAfter(journey, progress, bytesPerSecond))
      const uid = progress.upload?.uid
      if (uid === undefined) return
      if (progress.phase === 'uploading') lastSeen.note(uid, progress.sentBytes)
      else lastSeen.forget(uid)
    }
  }

  function fileIdOf({ key }: Journey): string | null {
    return uppy.getFiles().find(({ meta }) => meta.key === key)?.id ?? null
  }

  function begin(key: string, file: File, terms: JourneyTerms): void {
    const { name, type } = file
    const others = journeys.get().filter((one) => one.key !== key)
    if (NO_VIDEO.test(type)) {
      refusal.set(`${name} is no video.`)
      return
    }
    try {
      // Before Uppy, which starts at once.
      journeys.set([beginJourney(key, file, terms), ...others])
      uppy.addFile({ name, type, data: file, meta: { key } })
    } catch (error) {
      journeys.set(others)
      refusal.set(error instanceof Error ? error.message : 'The file was refused.')
    }
  }

  return {
    journeys,
    refusal,
    lastSeen,
    add(files, terms) {
      refusal.set(null)
      for (const file of files) begin(`file-${(count += 1)}`, file, terms)
    },
    pause(journey) {
      const fileId = fileIdOf(journey)
      if (fileId === null || journey.state === 'paused') return
      update(journey.key, { state: 'paused', bytesPerSecond: null })
      uppy.pauseResume(fileId)
    },
    resume(journey) {
      const fileId = fileIdOf(journey)
      if (fileId === null || journey.state !== 'paused') return
      update(journey.key, { state: 'waiting' })
      uppy.pauseResume(fileId)
    },
    retry({ key, file }, terms) {
      refusal.set(null)
      begin(key, file, terms)
    },
    remove(journey) {
      const fileId = fileIdOf(journey)
      forget(journey.key)
      if (fileId !== null) uppy.removeFile(fileId)
    },
    close() {
      uppy.destroy()
      journeys.set([])
    },
  }
}

function isDeletion(error: unknown): boolean {
  return error instanceof UploadError && error.code === 'DELETED'
}
