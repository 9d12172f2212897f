/**
 * Uploads one file: resumes or mints the upload, sends the bytes, and watches until READY. A concurrent call
 * with the same file, in another tab or on the same page, waits for the lock and shows the progress.
 */
import { chooseProtocol, isConnectionReliable } from './choose-protocol.ts'
import type { UploadJob } from './upload-job.ts'
import { uploadKey, creatorKeyPrefix } from './resume/fingerprint.ts'
import type { ClientDependencies } from './dependencies.ts'
import { type ProgressReporter, createProgressReporter } from './progress.ts'
import type { ResumableUpload } from './resume/resume-store.ts'
import type { Ready } from './ready-upload.ts'
import type { SourceFile } from './sources/source-file.ts'
import { runUpload } from './run-upload.ts'
import type { Upload } from './gateway/upload.ts'
import { uploadInputFrom } from './upload-input.ts'
import { type UploadOptions, openUpload } from './upload-options.ts'
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
  const file = await openUpload(source, options)
  try {
    return await uploadOpened(dependencies, file, options)
  } finally {
    file.close()
  }
}

async function uploadOpened(
  dependencies: ClientDependencies,
  file: SourceFile,
  options: UploadOptions,
): Promise<Ready<Upload>> {
  options.signal?.throwIfAborted()
  const input = uploadInputFrom(file, options)
  const key = await uploadKey(
    await creatorKeyPrefix(dependencies.url, await dependencies.token()),
    file,
    input,
    options.signal,
  )
  // A broken POST of a long stream cannot be sent again, but tus resumes.
  const reliableConnection =
    options.reliableConnection ?? (file.isRepeatable && isConnectionReliable())
  const choice = chooseProtocol(file.size, reliableConnection, options.protocol)
  const progress = createProgressReporter(file.size, choice, options.onProgress)

  const stopping = new AbortController()
  const stop = (reason: unknown): void => stopping.abort(reason)
  const pause = (): void => stop(options.signal?.reason)
  options.signal?.addEventListener('abort', pause)
  if (options.signal?.aborted === true) pause()
  const { signal } = stopping
  const budget = { remainingBytes: 2 * file.size }
  const job: UploadJob = {
    file,
    input,
    key,
    choice,
    reliableConnection,
    options,
    progress,
    budget,
    signal,
    stop,
  }
  try {
    return await runExclusively(dependencies, job)
  } finally {
    options.signal?.removeEventListener('abort', pause)
  }
}

async function runExclusively(
  dependencies: ClientDependencies,
  job: UploadJob,
): Promise<Ready<Upload>> {
  const { key, signal } = job
  const name = `${key}:turn`
  const first = await dependencies.locks.request(name, { ifAvailable: true }, async (lock) =>
    lock === null ? null : runUpload(dependencies, job, null),
  )
  if (first !== null) return first

  const waiting = new AbortController()
  const otherTabUpload = followOtherTab(dependencies, job, waiting.signal)
  try {
    return await dependencies.locks.request(name, { signal }, async () => {
      waiting.abort()
      // The other call finished or was paused; bytes that it sent are not sent again.
      return runUpload(dependencies, job, await otherTabUpload)
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
