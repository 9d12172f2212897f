/** Delivers the callbacks of one target, so that a slow target holds up no other. */
import type { Clock } from '../shared/clock.ts'
import type { Logger } from '../shared/logger.ts'
import type {
  CallbackStore,
  DeliveryOutcome,
  DueDelivery,
} from '../uploads/ports/callback-store.ts'
import { StoreUnavailable } from '../uploads/ports/store-unavailable.ts'
import type { Telemetry } from '../uploads/ports/telemetry.ts'
import type { RecordResult } from './record-results.ts'
import { nextAttemptAt } from './retry-schedule.ts'
import { type AttemptResult, type SendDependencies, sendCallback } from './send-callback.ts'
import { createTargetPause } from './target-pause.ts'
import { ATTEMPT_TIMEOUT_MS } from './transport.ts'
import { createWakeUp } from './wake-up.ts'

/** Duration of a claim in milliseconds: longer than an attempt, so that no other gateway sends it meanwhile. */
export const LEASE_MS = ATTEMPT_TIMEOUT_MS + 5000
/** Pause in milliseconds after which due callbacks are looked for again: those of other gateways, and retries. */
const POLL_INTERVAL_MS = 1000
/**
 * Claims per slot whose results are not recorded. Writes take longer than most attempts, but a store that cannot write
 * must not let all callbacks be sent, and again when their claims end.
 */
const CLAIMS_PER_SLOT = 8
/** Wait in milliseconds before the next claim, so that it claims all that is due by then. */
const COLLECT_MS = 5

export interface DeliveryDependencies extends SendDependencies {
  readonly clock: Clock
  readonly log: Logger
  readonly telemetry: Pick<Telemetry, 'callbackAttempted'>
  readonly store: Pick<CallbackStore, 'claimDeliveries' | 'nextDelivery'>
  readonly record: RecordResult
  /** Callbacks in flight to one target. */
  readonly maxInFlight: number
  /** Returns a number from 0 to 1. */
  readonly random: () => number
  /** Aborted on shutdown: nothing more is claimed. */
  readonly closing: AbortSignal
}

export interface TargetDeliveries {
  /** Delivers until shutdown. Resolves when the attempts in flight have ended. */
  run(): Promise<void>
  /**
   * Delivers what is due, up to `limit` callbacks, and resolves when their attempts have ended. A call during another
   * one only makes that look for due callbacks again.
   */
  deliverDue(limit: number): Promise<void>
  /** Looks for due callbacks now. */
  wake(): void
  /** Returns when `deliverDue` has work again; null if nothing waits. */
  nextRunAt(): Promise<Date | null>
}

/** @param name of the target, for logs and metrics */
export function createTargetDeliveries(
  dependencies: DeliveryDependencies,
  target: string,
  name: string,
): TargetDeliveries {
  const { clock, log, telemetry, store, record, maxInFlight, random, closing } = dependencies
  const pause = createTargetPause(clock)
  const wakeUp = createWakeUp(clock)
  /** Deliveries whose results are not recorded. */
  const unrecorded = new Set<Promise<void>>()
  let inFlight = 0
  /** Claims without a recorded result. */
  let claims = 0
  let isDelivering = false
  /** Whether more may be due than there were slots for. */
  let hasMore = false

  /** Starts attempts for all free slots, up to `limit`. Returns their number. */
  async function startDue(limit = maxInFlight): Promise<number> {
    const unclaimed = CLAIMS_PER_SLOT * maxInFlight - claims
    const slots = Math.min(limit, unclaimed, pause.slots(inFlight, maxInFlight))
    hasMore = true
    if (slots <= 0) return 0
    const now = clock.now()
    const until = new Date(now.getTime() + LEASE_MS)
    const claimed = await store.claimDeliveries(target, now, slots, until)
    hasMore = claimed.length === slots
    for (const delivery of claimed) {
      const recorded = deliver(delivery).finally(() => {
        unrecorded.delete(recorded)
        // The next callback of the upload may be due.
        wakeUp.wake()
      })
      unrecorded.add(recorded)
    }
    return claimed.length
  }

  /** Never rejects. */
  async function deliver(delivery: DueDelivery): Promise<void> {
    claims += 1
    try {
      await (closing.aborted ? giveBack(delivery) : attempt(delivery))
      claims -= 1
    } catch (error) {
      reportFailure(error)
      void endClaimLater()
    }
  }

  /** The claim of a result that was not recorded ends with its lease. */
  async function endClaimLater(): Promise<void> {
    await clock.wait(LEASE_MS, closing)
    claims -= 1
  }

  /** Lets another gateway claim the delivery at once. */
  function giveBack(delivery: DueDelivery): Promise<void> {
    const outcome = { kind: 'postponed', until: clock.now() } as const
    return record({ delivery, outcome, status: null, error: null })
  }

  async function attempt(delivery: DueDelivery): Promise<void> {
    const startedMs = clock.monotonicMs()
    const result = await send(delivery)
    if (result.isUnavailable) pause.failed(result.retryAfterMs)
    else pause.responded()
    if (hasMore) wakeUp.wake()
    const outcome = outcomeOf(result, delivery)
    const seconds = (clock.monotonicMs() - startedMs) / 1000
    telemetry.callbackAttempted(name, outcome.kind === 'dead' ? 'dead' : result.outcome, seconds)
    try {
      await record({ delivery, outcome, status: result.status, error: result.error })
    } finally {
      logAttempt(delivery, result, outcome)
    }
  }

  /** Occupies a slot until the response, but not until it is recorded. */
  async function send({ event }: DueDelivery): Promise<AttemptResult> {
    inFlight += 1
    try {
      return await sendCallback(dependencies, event, target)
    } finally {
      inFlight -= 1
    }
  }

  function outcomeOf(result: AttemptResult, { attempts }: DueDelivery): DeliveryOutcome {
    if (result.outcome === 'delivered') return { kind: 'delivered' }
    if (result.isGone) return { kind: 'dead' }
    const retryAt = nextAttemptAt(clock.now(), attempts + 1, result.retryAfterMs, random())
    return retryAt === null ? { kind: 'dead' } : { kind: 'failed', retryAt }
  }

  function logAttempt(
    { event: { id, type, uploadId }, attempts }: DueDelivery,
    { status, error }: AttemptResult,
    outcome: DeliveryOutcome,
  ): void {
    const fields = { callbackId: id, type, uploadId, target: name, attempt: attempts + 1, status }
    if (outcome.kind === 'delivered') log.debug(fields, 'callback delivered')
    else if (outcome.kind === 'dead') {
      log.error(
        { ...fields, reason: error },
        'callback is a dead letter; `headgate callbacks replay` sends it again',
      )
    } else log.warn({ ...fields, reason: error }, 'callback failed; sent again later')
  }

  function reportFailure(error: unknown): void {
    if (error instanceof StoreUnavailable) {
      log.warn({ err: error, target: name }, 'database unavailable; callbacks wait')
    } else log.error({ err: error, target: name }, 'delivering callbacks failed; retried')
  }

  return {
    async run() {
      closing.addEventListener('abort', wakeUp.wake, { once: true })
      while (!closing.aborted) {
        try {
          await startDue()
        } catch (error) {
          reportFailure(error)
          // A wake-up must not lead to one failed claim after the other.
          await clock.wait(POLL_INTERVAL_MS, closing)
        }
        await wakeUp.wait(pause.remainingMs() || POLL_INTERVAL_MS)
        await clock.wait(COLLECT_MS, closing)
      }
      await Promise.all(unrecorded)
    },
    async deliverDue(limit) {
      wakeUp.wake()
      if (isDelivering) return
      isDelivering = true
      try {
        let started = await startDue(limit)
        while (unrecorded.size > 0) {
          await wakeUp.wait(POLL_INTERVAL_MS)
          started += await startDue(limit - started)
        }
      } finally {
        isDelivering = false
      }
    },
    wake: wakeUp.wake,
    async nextRunAt() {
      const next = await store.nextDelivery([target])
      if (next === null) return null
      const pauseEnd = clock.now().getTime() + pause.remainingMs()
      return new Date(Math.max(next.getTime(), pauseEnd))
    },
  }
}
