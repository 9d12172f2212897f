/** Does one operation of a face: counts it, and lets a planned fault have its way first. */
import { setTimeout as wait } from 'node:timers/promises'

import type { Answer, AnswerOrCut } from './http-response.ts'
import { ApiError, refuse } from './api-error.ts'
import type { Operation } from './operations.ts'
import type { EmulatorParts } from './dependencies.ts'

/** The answer of `work`, or what a fault makes of it. */
export async function perform(
  parts: Pick<EmulatorParts, 'closing' | 'faults' | 'requests'>,
  operation: Operation,
  work: () => Answer | Promise<Answer>,
): Promise<AnswerOrCut> {
  parts.requests.add(operation)
  // The webhook routes are never at fault: `"on": "webhook"` plans trouble for the notices.
  if (operation === 'webhook') return work()
  const fault =
    operation === 'tus_patch'
      ? parts.faults.take('tus_patch', 'upload')
      : parts.faults.take(operation)
  if (fault === null) return work()

  if (fault.delayMs !== undefined) {
    await wait(fault.delayMs, undefined, { signal: parts.closing })
  }
  if (fault.hangUp === true) return null
  if (fault.status !== undefined) return faultAnswer(fault.status, fault.retryAfterSeconds)
  if (fault.hangUpAfter === true) {
    await work()
    return null
  }
  return work()
}

/** The codes that Stream gives with these statuses, so that a planned 413 reads as spent storage. */
const CODES: Readonly<Record<number, number>> = {
  400: 10_005,
  401: 10_000,
  403: 10_000,
  404: 10_003,
  413: 10_011,
}

function faultAnswer(status: number, retryAfterSeconds: number | undefined): Answer {
  const headers =
    retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }
  // 10001 is our own choice: Cloudflare documents no code for the other statuses.
  const code = CODES[status] ?? 10_001
  const reason = 'this failure was planned at /__emulator/faults'
  return refuse(new ApiError(status, code, 'Emulated failure', reason, headers))
}
