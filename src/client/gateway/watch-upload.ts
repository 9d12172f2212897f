/** Watches one upload to a terminal status, over as many connections as needed. */
import { type GatewayEndpoint, networkError } from './request.ts'
import { WATCH, watchedUpload } from './operations.ts'
import { isTerminal } from '../ready-upload.ts'
import { type RetryPolicy, waitBeforeRetry } from '../retry.ts'
import { subscribe } from './subscribe.ts'
import type { Upload } from './upload.ts'

/**
 * Yields the current upload and then each change, once and in order of `version`, up to a terminal
 * status. It reconnects after a connection that breaks or ends early.
 * @throws UploadError if the upload does not exist, or all consecutive retries failed
 */
export async function* watchUpload(
  dependencies: GatewayEndpoint & RetryPolicy,
  uid: string,
  signal?: AbortSignal,
): AsyncGenerator<Upload, void> {
  const request = { query: WATCH, variables: { uid } }
  let version = -1
  let failures = 0
  for (;;) {
    try {
      for await (const upload of subscribe(dependencies, request, watchedUpload, signal)) {
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
