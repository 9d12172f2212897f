/** Runs one operation: counts it and applies a planned fault. */
import { setTimeout as wait } from 'node:timers/promises'

import type { HttpResponse, ResponseOrDisconnect } from './http-response.ts'
import { ApiError, errorResponse } from './api-error.ts'
import type { Operation } from './operations.ts'
import type { EmulatorDependencies } from './dependencies.ts'
import { orTemporaryError } from './storage-errors.ts'

/** Returns the response of `run`, 503 if it cannot store anything, or the fault's response; null disconnects. */
export async function runOperation(
  dependencies: Pick<EmulatorDependencies, 'closing' | 'faults' | 'onError' | 'requests'>,
  operation: Operation,
  run: () => HttpResponse | Promise<HttpResponse>,
): Promise<ResponseOrDisconnect> {
  const work = () => orTemporaryError(dependencies, run)
  dependencies.requests.add(operation)
  // Faults on "webhook" apply to the delivery of webhooks, not to the API's webhook routes.
  if (operation === 'webhook') return work()
  const fault =
    operation === 'tus_patch'
      ? dependencies.faults.take('tus_patch', 'upload')
      : dependencies.faults.take(operation)
  if (fault === null) return work()

  if (fault.delayMs !== undefined) {
    await wait(fault.delayMs, undefined, { signal: dependencies.closing })
  }
  if (fault.hangUp === true) return null
  if (fault.status !== undefined) return faultResponse(fault.status, fault.retryAfterSeconds)
  if (fault.hangUpAfter === true) {
    await work()
    return null
  }
  return work()
}

/** Stream's error codes per status; a planned 413 therefore means exceeded storage. */
const CODE_PER_STATUS: Readonly<Record<number, number>> = {
  400: 10_005,
  401: 10_000,
  403: 10_000,
  404: 10_003,
  413: 10_011,
}

function faultResponse(status: number, retryAfterSeconds: number | undefined): HttpResponse {
  const headers =
    retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }
  // 10001 is the emulator's choice: Cloudflare documents no code for the other statuses.
  const code = CODE_PER_STATUS[status] ?? 10_001
  const reason = 'this failure was configured at /__emulator/faults'
  return errorResponse(new ApiError(status, code, 'Emulated failure', reason, headers))
}
