/** The outbox in PostgreSQL. The clock of the server decides when deliveries are due, as for other leases. */
import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import type { CircuitBreaker } from '../../postgres/circuit-breaker.ts'
import {
  type CallbackStore,
  DEAD_KEPT_MS,
  DELIVERED_KEPT_MS,
  MAX_RETRY_DELAY_MS,
  MAX_WAIT_MS,
} from '../../uploads/ports/callback-store.ts'
import { dueAfter, isAttempt, stateAfter } from '../delivery-outcome.ts'
import { prepareCallbackStatements } from './callback-statements.ts'

export interface PostgresCallbackStore extends CallbackStore {
  /** Makes retries due that were scheduled under a wrong clock. Called within the circuit breaker. */
  pullForward(now: Date): Promise<void>
}

/** @param timeSource clock that decides: the server's or, for tests, the caller's */
export function createPostgresCallbackStore(
  db: NodePgDatabase,
  run: CircuitBreaker,
  timeSource: 'server' | 'caller',
): PostgresCallbackStore {
  const statements = prepareCallbackStatements(db)
  /** Null selects the server's clock. */
  const timeOf = (now: Date): Date | null => (timeSource === 'server' ? null : now)

  return {
    claimDeliveries: (target, now, limit, until) =>
      run(async () => {
        const forMs = until.getTime() - now.getTime()
        return statements.claim.execute({ target, now: timeOf(now), limit, forMs })
      }),

    recordResults: async (results, now) => {
      if (results.length === 0) return
      const encoded = results.map(({ delivery, outcome, status, error }) => ({
        upload_id: delivery.event.uploadId,
        target: delivery.target,
        version: delivery.event.version,
        lease: delivery.leaseUntil,
        state: stateAfter(outcome),
        due_in_ms: millisecondsUntil(dueAfter(outcome), now),
        is_attempt: isAttempt(outcome),
        status,
        error,
      }))
      await run(() =>
        statements.recordResults.execute({ results: JSON.stringify(encoded), now: timeOf(now) }),
      )
    },

    nextDelivery: (targets) =>
      run(async () => {
        const [next] = await statements.next.execute({ targets })
        return next?.dueAt ?? null
      }),

    countDeliveries: (targets) =>
      run(async () => {
        const rows = await statements.count.execute({ targets })
        return new Map(rows.map(({ target, ...counts }) => [target, counts]))
      }),

    listDeliveries: (state, limit) =>
      run(() =>
        state === 'waiting'
          ? statements.listWaiting.execute({ limit })
          : statements.listDone.execute({ state, limit }),
      ),

    replayDeliveries: (filter, now, limit) =>
      run(async () => {
        const [row] = await statements.replay.execute({
          id: filter.kind === 'event' ? filter.id : null,
          onlyDead: filter.kind === 'dead',
          since: filter.kind === 'since' ? filter.since : null,
          doneUntil: now,
          now: timeOf(now),
          limit,
        })
        return row?.replayed ?? 0
      }),

    deleteOldDeliveries: (now, limit) =>
      run(async () => {
        const before = (age: number): Date => new Date(now.getTime() - age)
        const [row] = await statements.deleteOld.execute({
          waitingBefore: before(MAX_WAIT_MS),
          deliveredBefore: before(DELIVERED_KEPT_MS),
          deadBefore: before(DEAD_KEPT_MS),
          now: timeOf(now),
          limit,
        })
        return row?.deleted ?? 0
      }),

    pullForward: async (now) => {
      await statements.pullForward.execute({ now: timeOf(now), aheadMs: MAX_RETRY_DELAY_MS })
    },
  }
}

/** Null stays null. */
function millisecondsUntil(at: Date | null, now: Date): number | null {
  return at === null ? null : at.getTime() - now.getTime()
}
