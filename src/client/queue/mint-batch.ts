/** Mints the uploads of several files by one request, each once, in whatever tab they were added. */
import type { ClientDependencies } from '../dependencies.ts'
import { type MintResult, type MintRequest, mintUploads } from '../gateway/mint-upload.ts'
import type { PreparedUpload } from '../prepare-upload.ts'
import type { ResumableUpload } from '../resume/resume-store.ts'
import { isRetryable, retry, waitBeforeRetry } from '../retry.ts'
import { mintRequestOf, storeMinted } from '../start-upload.ts'
import { UploadError } from '../upload-error.ts'
import type { Upload } from '../gateway/upload.ts'

/** One file to mint an upload for. */
export interface MintTask {
  readonly prepared: PreparedUpload
  /** Whether an upload is still wanted; not read while it is unknown whether there is one. */
  readonly isWanted: () => boolean
  /** Called with each request that may mint the upload. It settles after `minted`, or when nothing was minted. */
  readonly requested: (request: Promise<unknown>) => void
  readonly minted: (upload: Upload, stored: ResumableUpload) => void
  readonly failed: (error: unknown) => void
}

interface Attempt {
  readonly task: MintTask
  readonly request: MintRequest
}

/**
 * Mints the uploads, and returns when each has one, has failed, or is not wanted any more. The caller must hold
 * the files' locks. A request is never aborted, because its response tells what is reserved.
 * @param signal ends the waits between requests
 */
export async function mintBatch(
  dependencies: ClientDependencies,
  tasks: readonly MintTask[],
  signal: AbortSignal,
): Promise<void> {
  const attempts = tasks.map((task) => ({ task, request: mintRequestOf(task.prepared) }))
  // `createUploads` chooses the protocols itself.
  const together = attempts.filter(({ request }) => request.protocol === undefined)
  const alone = attempts.filter(({ request }) => request.protocol !== undefined)
  const groups = [together, ...alone.map((attempt) => [attempt])]
  await Promise.all(groups.map((group) => mintGroup(dependencies, group, signal)))
}

/** Repeats what failed temporarily, with the same idempotency keys, and waits as long as a rate limit tells. */
async function mintGroup(
  dependencies: ClientDependencies,
  group: readonly Attempt[],
  signal: AbortSignal,
): Promise<void> {
  let pending = group
  for (let failures = 0; ; failures += 1) {
    pending = pending.filter(({ task }) => task.isWanted())
    if (pending.length === 0) return
    const rejections = await mintOnce(dependencies, pending, signal)
    const [first] = rejections
    if (first === undefined || signal.aborted) return
    if (first.isWhole) {
      if (pending.length > 1 && isOfOneInput(first.error))
        await Promise.all(pending.map((attempt) => mintGroup(dependencies, [attempt], signal)))
      else failAll(rejections)
      return
    }
    if (rejections.length < pending.length) failures = 0
    pending = rejections.map(({ attempt }) => attempt)
    try {
      await waitBeforeRetry(dependencies, signal, longestOf(rejections), failures)
    } catch {
      if (signal.aborted) return
      failAll(rejections)
      return
    }
  }
}

function failAll(rejections: readonly Rejection[]): void {
  for (const { attempt, error } of rejections) attempt.task.failed(error)
}

/** An attempt that may be repeated, or whose error concerns the request as a whole. */
interface Rejection {
  readonly attempt: Attempt
  readonly error: unknown
  readonly isWhole: boolean
}

/**
 * Sends one request, again if it failed as a whole: only a response tells what was minted. Settles the tasks whose
 * upload was minted, or for which another attempt is useless.
 */
function mintOnce(
  dependencies: ClientDependencies,
  attempts: readonly Attempt[],
  signal: AbortSignal,
): Promise<readonly Rejection[]> {
  const rejections = send()
  for (const { task } of attempts) task.requested(rejections)
  return rejections

  async function send(): Promise<readonly Rejection[]> {
    let results: readonly MintResult[]
    try {
      const requests = attempts.map(({ request }) => request)
      results = await retry(dependencies, signal, () => mintUploads(dependencies, requests))
    } catch (error) {
      return attempts.map((attempt) => ({ attempt, error, isWhole: true }))
    }
    const settled = attempts.map(async (attempt, index): Promise<readonly Rejection[]> => {
      const { task } = attempt
      const result = results[index]
      if (result === undefined) throw new Error('The gateway returned too few results.')
      if ('target' in result) {
        task.minted(result.upload, await storeMinted(dependencies, task.prepared, result))
        return []
      }
      if (isRetryable(result)) return [{ attempt, error: result, isWhole: false }]
      task.failed(result)
      return []
    })
    return (await Promise.all(settled)).flat()
  }
}

/** Whether a request may have failed by one of its inputs, so that the others succeed alone. */
function isOfOneInput(error: unknown): boolean {
  if (!(error instanceof UploadError)) return false
  // The second one also for a gateway whose limits for one request are lower.
  return error.code === 'INVALID_INPUT' || (error.code === 'GATEWAY_FAILED' && !error.retryable)
}

/** Returns the error after which the wait is longest. */
function longestOf(rejections: readonly Rejection[]): unknown {
  const errors = rejections.map(({ error }) => error)
  return errors.toSorted((a, b) => secondsOf(b) - secondsOf(a))[0]
}

function secondsOf(error: unknown): number {
  const isLimit = error instanceof UploadError && error.code === 'RATE_LIMITED'
  return isLimit ? error.retryAfterSeconds : 0
}
