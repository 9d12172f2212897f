/**
 * Uploads one file: resumes or mints the upload, sends the bytes, and watches until READY. A concurrent call
 * with the same file, in another tab or on the same page, waits for the lock and shows the progress.
 */
import type { ClientDependencies } from './dependencies.ts'
import { type PreparedUpload, type UploadJob, prepareUpload } from './prepare-upload.ts'
import { type ProgressReporter, createProgressReporter } from './progress.ts'
import type { ResumableUpload } from './resume/resume-store.ts'
import type { Ready } from './ready-upload.ts'
import { runUpload } from './run-upload.ts'
import type { Upload } from './gateway/upload.ts'
import type { UploadOptions } from './upload-options.ts'
import type { UploadSource } from './upload-source.ts'
import { watchUpload } from './gateway/watch-upload.ts'

/** Interval in milliseconds at which the resume store is polled for the upload of another tab. */
const POLL_INTERVAL_MS = 250

/** Uploads the file and resolves with the upload when it is READY. */
export async function uploadFile(
  dependencies: ClientDependencies,
  source: UploadSource,
  options: UploadOptions,
): Promise<Ready<Upload>> {
  const prepared = await prepareUpload(dependencies, source, options)
  try {
    return await uploadPrepared(dependencies, prepared, options)
  } finally {
    prepared.file.close()
  }
}

/** Uploads a checked file. */
export async function uploadPrepared(
  dependencies: ClientDependencies,
  prepared: PreparedUpload,
  { signal: pauseSignal, onProgress }: Pick<UploadOptions, 'signal' | 'onProgress'>,
): Promise<Ready<Upload>> {
  const { file, choice } = prepared
  const progress = createProgressReporter(file.size, choice, onProgress)
  const stopping = new AbortController()
  const stop = (reason: unknown): void => stopping.abort(reason)
  const pause = (): void => stop(pauseSignal?.reason)
  pauseSignal?.addEventListener('abort', pause)
  if (pauseSignal?.aborted === true) pause()
  const { signal } = stopping
  const budget = { remainingBytes: 2 * file.size }
  try {
    return await runExclusively(dependencies, { ...prepared, progress, budget, signal, stop })
  } finally {
    pauseSignal?.removeEventListener('abort', pause)
  }
}

/** Name of the lock that a file's upload holds while it is minted and while it runs. */
export function lockNameOf({ key }: Pick<PreparedUpload, 'key'>): string {
  return `${key}:turn`
}

async function runExclusively(
  dependencies: ClientDependencies,
  job: UploadJob,
): Promise<Ready<Upload>> {
  const { signal } = job
  const name = lockNameOf(job)
  const first = await dependencies.locks.request(name, { ifAvailable: true }, async (lock) =>
    lock === null ? null : runUpload(dependencies, job, job.minted),
  )
  if (first !== null) return first

  const waiting = new AbortController()
  const otherTabUpload = followOtherTab(dependencies, job, waiting.signal)
  try {
    return await dependencies.locks.request(name, { signal }, async () => {
      waiting.abort()
      // The other call finished or was paused; bytes that it sent are not sent again.
      return runUpload(dependencies, job, (await otherTabUpload) ?? job.minted)
    })
  } finally {
    waiting.abort()
  }
}

/**
 * Shows the progress of the call that holds the lock until `stopSignal` aborts. Returns its last upload;
 * null if it minted none.
 */
async function followOtherTab(
  dependencies: ClientDependencies,
  { key, progress }: UploadJob,
  stopSignal: AbortSignal,
): Promise<ResumableUpload | null> {
  let otherTabUpload: ResumableUpload | null = null
  while (!stopSignal.aborted) {
    const other = await dependencies.resumeStore.get(key)
    // The uid changes when an expired URL is replaced.
    if (other !== null && other.uid !== otherTabUpload?.uid) {
      otherTabUpload = other
      await showProgress(dependencies, other.uid, progress, stopSignal)
    }
    await dependencies.clock.wait(POLL_INTERVAL_MS, stopSignal)
  }
  return otherTabUpload
}

async function showProgress(
  dependencies: ClientDependencies,
  uid: string,
  progress: ProgressReporter,
  stopSignal: AbortSignal,
): Promise<void> {
  try {
    for await (const upload of watchUpload(dependencies, uid, stopSignal)) progress.watched(upload)
  } catch {
    // Ends the display only. `runUpload` reports the error when this call gets the lock.
  }
}
