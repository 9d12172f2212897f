/**
 * Brings one file to READY: found again or minted, sent, and watched. Whoever comes with the same
 * file while that goes on, in another tab or twice on one page, watches until it is their turn.
 */
import { chooseProtocol, seemsReliable } from './choose-protocol.ts'
import type { Errand } from './upload-job.ts'
import { keyOf, prefixFor } from './resume/fingerprint.ts'
import type { ClientParts } from './dependencies.ts'
import { type ProgressTeller, createProgressTeller } from './progress.ts'
import type { RememberedUpload } from './resume/resume-store.ts'
import { runErrand } from './run-upload.ts'
import type { Upload } from './gateway/upload.ts'
import { inputFrom } from './upload-input.ts'
import { type UploadOptions, checkFile } from './upload-options.ts'
import { watchUpload } from './gateway/watch-upload.ts'

/** How often one looks whether the other tab has minted, in milliseconds. */
const LOOK_MS = 250

/** The upload when it is READY. */
export async function uploadFile(
  parts: ClientParts,
  file: Blob,
  options: UploadOptions,
): Promise<Upload> {
  options.signal?.throwIfAborted()
  checkFile(file.size, options)
  const input = inputFrom(file, options)
  const key = await keyOf(await prefixFor(parts.url, await parts.token()), file, input)
  const reliable = options.reliableConnection ?? seemsReliable()
  const choice = chooseProtocol(file.size, reliable, options.protocol)
  const progress = createProgressTeller(file.size, choice, options.onProgress)

  const stopping = new AbortController()
  const stop = (reason: unknown): void => stopping.abort(reason)
  const pause = (): void => stop(options.signal?.reason)
  options.signal?.addEventListener('abort', pause)
  if (options.signal?.aborted === true) pause()
  const { signal } = stopping
  const errand: Errand = { file, input, key, choice, options, progress, signal, stop }
  try {
    return await inTurn(parts, errand)
  } finally {
    options.signal?.removeEventListener('abort', pause)
  }
}

async function inTurn(parts: ClientParts, errand: Errand): Promise<Upload> {
  const { key, signal } = errand
  const name = `${key}:turn`
  const first = await parts.locks.request(name, { ifAvailable: true }, async (lock) =>
    lock === null ? null : runErrand(parts, errand, null),
  )
  if (first !== null) return first

  const waiting = new AbortController()
  const seen = watchOther(parts, errand, waiting.signal)
  try {
    return await parts.locks.request(name, { signal }, async () => {
      waiting.abort()
      // The other one is through, or was paused. What it sent is not sent again.
      return runErrand(parts, errand, await seen)
    })
  } finally {
    waiting.abort()
  }
}

/**
 * Shows the progress of whoever has the turn, until it is given up; what they sent then, or null
 * where they never minted.
 */
async function watchOther(
  parts: ClientParts,
  { key, progress }: Errand,
  over: AbortSignal,
): Promise<RememberedUpload | null> {
  let seen: RememberedUpload | null = null
  while (!over.aborted) {
    const other = await parts.memory.recall(key)
    // It may be another one than before: a URL that lapsed is replaced.
    if (other !== null && other.uid !== seen?.uid) {
      seen = other
      await show(parts, other.uid, progress, over)
    }
    await parts.clock.wait(LOOK_MS, over)
  }
  return seen
}

async function show(
  parts: ClientParts,
  uid: string,
  progress: ProgressTeller,
  over: AbortSignal,
): Promise<void> {
  try {
    for await (const upload of watchUpload(parts, uid, over)) progress.watched(upload)
  } catch {
    // Only the show is over: when its turn comes, the errand itself finds out what is wrong.
  }
}
