/** Watches one upload to a terminal status, over as many connections as needed. */
import { type GatewayEndpoint, networkError } from './request.ts'
import { WATCH, watchedUpload } from './operations.ts'
import { isTerminal } from '../ready-upload.ts'
import { type RetryPolicy, waitBeforeRetry } from '../retry.ts'
import { uploadError } from '../upload-error.ts'
import { findUpload } from './find-upload.ts'
import { subscribe } from './subscribe.ts'
import type { Upload } from './upload.ts'

export interface WatchDependencies extends GatewayEndpoint, RetryPolicy {
  /** Whether responses can be read while they arrive. Otherwise the upload is polled. */
  readonly canStream: boolean
}

export const POLL_INTERVAL_MS = 3000

/**
 * Yields the current upload and then each change, once and in order of `version`, up to a terminal
 * status. It reconnects after a connection that breaks or ends early.
 * @throws UploadError if the upload does not exist, or all consecutive retries failed
 */
export async function* watchUpload(
  dependencies: WatchDependencies,
  uid: string,
  signal?: AbortSignal,
): AsyncGenerator<Upload, void> {
  let version = -1
  let failures = 0
  for (;;) {
    try {
      for await (const upload of statesOf(dependencies, uid, signal)) {
        failures = 0
        if (upload.version <= version) continue
        version = upload.version
        yield upload
        if (isTerminal(upload)) return
      }
      // Completed before a terminal status: token expired, gateway shut down, or proxy timeout.
      throw networkError()
    } catch (error) {
      await waitBeforeRetry(dependencies, signal, error, failures)
      failures += 1
    }
  }
}

function statesOf(
  dependencies: WatchDependencies,
  uid: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Upload> {
  if (!dependencies.canStream) return pollUpload(dependencies, uid, signal)
  return subscribe(dependencies, { query: WATCH, variables: { uid } }, watchedUpload, signal)
}

async function* pollUpload(
  dependencies: WatchDependencies,
  uid: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Upload> {
  for (;;) {
    const upload = await findUpload(dependencies, uid, signal)
    if (upload === null)
      throw uploadError('The upload does not exist.', { code: 'UPLOAD_NOT_FOUND', uid })
    yield upload
    await dependencies.clock.wait(POLL_INTERVAL_MS, signal)
    signal?.throwIfAborted()
  }
}
