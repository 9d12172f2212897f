/** Runs one upload job until the upload is READY. The caller must hold the file's lock. */
import { type StartedUpload, startUpload, resumeUpload } from './start-upload.ts'
import { deletedError, expiredError, failedError, isPermanent } from './terminal-errors.ts'
import type { UploadJob } from './prepare-upload.ts'
import type { ClientDependencies } from './dependencies.ts'
import type { ProgressReporter } from './progress.ts'
import type { ResumableUpload } from './resume/resume-store.ts'
import { sendFile } from './transfer/send-file.ts'
import type { Upload } from './gateway/upload.ts'
import { watchUpload } from './gateway/watch-upload.ts'
import { findUploadState } from './gateway/find-upload.ts'
import type { UploadTarget } from './gateway/mint-upload.ts'
import { invalidResponse } from './gateway/response-errors.ts'
import { type Ready, isReady, isTerminal } from './ready-upload.ts'
import { UploadError, uploadError } from './upload-error.ts'

/** Maximum URLs that one call mints: an expired URL is replaced once. */
const MAX_MINTS = 2

/**
 * Resolves with the upload when it is READY.
 * @param otherTabUpload last upload that another tab ran for this file; null if it ran none
 */
export async function runUpload(
  dependencies: ClientDependencies,
  job: UploadJob,
  otherTabUpload: ResumableUpload | null,
): Promise<Ready<Upload>> {
  const ownUpload = await dependencies.resumeStore.get(job.key)
  let lastUid = ownUpload?.uid ?? null
  try {
    let started = await resumeUpload(dependencies, job, ownUpload, otherTabUpload)
    for (let mints = 0; ; started = null) {
      if (started === null) {
        mints += 1
        started = await startUpload(dependencies, job)
      }
      const { uid } = started.upload
      lastUid = uid
      dependencies.activeUploads.set(uid, job.stop)
      try {
        const ready = await finish(dependencies, job, started)
        if (ready !== null) return ready
        await dependencies.resumeStore.delete(job.key)
        if (mints >= MAX_MINTS) throw expiredError(uid)
      } finally {
        dependencies.activeUploads.delete(uid)
      }
    }
  } catch (thrown) {
    const error = lastUid !== null && isExpiryRejected(thrown) ? expiredError(lastUid) : thrown
    if (isPermanent(error)) await dependencies.resumeStore.delete(job.key)
    throw error
  }
}

/** Whether no URL can replace the expired one, because the date that the caller gave as `expiry` has passed. */
function isExpiryRejected(error: unknown): boolean {
  if (!(error instanceof UploadError) || error.code !== 'INVALID_INPUT') return false
  return error.issues.length > 0 && error.issues.every(({ path }) => path[0] === 'expiry')
}

/**
 * Finishes a started upload and returns it. Watches it from the start, because a terminal status makes the rest
 * of the transfer useless. Returns null if the URL expired before Stream received the file.
 */
async function finish(
  dependencies: ClientDependencies,
  job: UploadJob,
  { upload: { uid }, resumable, target }: StartedUpload,
): Promise<Ready<Upload> | null> {
  /** Aborts the transfer and the subscription, whichever still runs. */
  const running = new AbortController()
  /** Aborts when no bytes are left to send. */
  const sending = new AbortController()
  const stop = (): void => running.abort(job.signal.reason)
  job.signal.addEventListener('abort', stop)
  if (job.signal.aborted) stop()
  if (target === null) sending.abort()
  try {
    const watched = watchToEnd(dependencies, job, uid, running.signal, sending.signal)
    const transfer =
      target === null ? 'sent' : send(dependencies, job, resumable, target, running.signal)
    const first = await Promise.race([watched, transfer])
    if (first === 'expired') return null
    if (first === 'sent') {
      const isSent = true
      if (target !== null) await dependencies.resumeStore.set(job.key, { ...resumable, isSent })
      job.progress.sent()
      sending.abort()
    }
    const ready = readyFrom(await watched)
    if (ready !== null) await dependencies.resumeStore.delete(job.key)
    return ready
  } finally {
    job.signal.removeEventListener('abort', stop)
    running.abort()
    sending.abort()
  }
}

/**
 * Watches an upload whose bytes were sent until it is READY, without its file.
 * @param key of the upload in the resume store
 */
export async function finishSent(
  dependencies: ClientDependencies,
  key: string,
  uid: string,
  progress: ProgressReporter,
  signal: AbortSignal,
): Promise<Ready<Upload>> {
  try {
    const ready = readyFrom(
      await watchToEnd(dependencies, { progress }, uid, signal, AbortSignal.abort()),
    )
    if (ready === null) throw expiredError(uid)
    await dependencies.resumeStore.delete(key)
    return ready
  } catch (error) {
    if (isPermanent(error)) await dependencies.resumeStore.delete(key)
    throw error
  }
}

/** Returns null if the URL expired before Stream received the file. Throws the error of a failed or deleted upload. */
function readyFrom(upload: Upload): Ready<Upload> | null {
  const { uid, status } = upload
  if (status === 'EXPIRED') return null
  if (status === 'DELETED') throw deletedError(uid)
  if (status === 'ERROR') throw failedError(upload)
  if (!isReady(upload)) throw invalidResponse('a READY upload')
  return upload
}

/** Minimum interval in milliseconds at which sent bytes are stored: storage is slow, and they are only shown. */
const STORE_INTERVAL_MS = 1000

/** Sends the file. Returns `expired` if the URL expired before Stream received it. */
async function send(
  dependencies: ClientDependencies,
  { key, file, options, progress, budget }: UploadJob,
  resumable: ResumableUpload,
  destination: UploadTarget,
  signal: AbortSignal,
): Promise<'sent' | 'expired'> {
  let storedAt = dependencies.clock.now().getTime()
  function storeSent(sentBytes: number): void {
    const now = dependencies.clock.now().getTime()
    if (destination.protocol !== 'TUS' || now - storedAt < STORE_INTERVAL_MS) return
    storedAt = now
    void dependencies.resumeStore.set(key, { ...resumable, sentBytes })
  }
  const outcome = await sendFile(dependencies, {
    file,
    destination,
    chunkSizeBytes: options.chunkSizeBytes,
    signal,
    budget,
    onSent: (bytes) => {
      // Bytes of an aborted request may be counted after the next URL was minted.
      if (signal.aborted) return
      progress.sending(bytes)
      storeSent(bytes)
    },
  })
  if (outcome.kind === 'sent') return 'sent'
  const isReceived = await confirmReceived(dependencies, destination, outcome.status, signal)
  return isReceived ? 'sent' : 'expired'
}

/** Wait before an upload is watched again while its file is sent. */
const WATCH_AGAIN_MS = 60_000

/**
 * Reports each state of the upload and returns the terminal one. While the file is sent, a failure of the
 * subscription has no effect: it is opened again later, and at the latest when the file is sent.
 */
async function watchToEnd(
  dependencies: ClientDependencies,
  { progress }: Pick<UploadJob, 'progress'>,
  uid: string,
  signal: AbortSignal,
  sending: AbortSignal,
): Promise<Upload> {
  for (;;) {
    const isSent = sending.aborted
    try {
      for await (const upload of watchUpload(dependencies, uid, signal)) {
        signal.throwIfAborted()
        progress.watched(upload)
        if (isTerminal(upload)) return upload
      }
    } catch (error) {
      if (isSent || signal.aborted) throw error
      await dependencies.clock.wait(WATCH_AGAIN_MS, sending)
      signal.throwIfAborted()
    }
  }
}

/** Number and interval of the checks whether Stream has received a file whose URL rejects bytes. */
const MAX_CHECKS = 15
const CHECK_INTERVAL_MS = 1000

/**
 * Returns whether a URL rejects bytes because Stream has received the file, for example if a response was lost.
 * Returns false if the URL expired. Checks repeatedly, because the gateway's status lags behind Stream's.
 */
export async function confirmReceived(
  dependencies: ClientDependencies,
  destination: UploadTarget,
  status: number,
  signal: AbortSignal,
): Promise<boolean> {
  for (let checks = 0; checks < MAX_CHECKS; checks += 1) {
    const found = await findUploadState(dependencies, destination, signal)
    if (found.kind === 'deleted') throw deletedError(destination.uid)
    if (found.kind !== 'awaiting-bytes') return found.kind === 'received'
    await dependencies.clock.wait(CHECK_INTERVAL_MS, signal)
    signal.throwIfAborted()
  }
  // The gateway has not seen the file, so the status of Stream's response decides: the URL is gone or in use.
  if (status === 404 || status === 409 || status === 410) return false
  throw uploadError(`Cloudflare Stream rejected the file with status ${status}.`, {
    code: 'STREAM_REJECTED',
    retryable: false,
  })
}
