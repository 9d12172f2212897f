/** The outbox in the SQLite file. Its writes share transactions with those of uploads. */
import type { Database } from 'better-sqlite3'
import {
  type CallbackStore,
  type CallbackWrite,
  type DeliveryResult,
  MAX_RETRY_DELAY_MS,
} from '../../uploads/ports/callback-store.ts'
import { dueAfter, isAttempt, stateAfter } from '../delivery-outcome.ts'
import {
  keysParam,
  oldDeliveryValues,
  readDueDelivery,
  readListedDelivery,
  readTargetCounts,
} from './callback-rows.ts'
import { defineCallbackStatements } from './callback-statements.ts'
import { dateOrNull, text } from './column-values.ts'
import { createDeliveryClaims } from './delivery-claims.ts'
import { packedRow } from './define-statement.ts'
import type { GroupCommit } from './group-commit.ts'
import { prepareStatements } from './prepared-statements.ts'

export interface SqliteCallbackStore extends CallbackStore {
  /** Records an event. Must run within the write transaction of its change. */
  add(callback: CallbackWrite): void
  /** Makes retries due that were scheduled under a wrong clock. Must run within a write transaction. */
  pullForward(now: Date): void
}

export function createSqliteCallbackStore(
  connection: Database,
  { write }: Pick<GroupCommit, 'write'>,
): SqliteCallbackStore {
  const statements = prepareStatements(connection, defineCallbackStatements(packedRow))
  const claims = createDeliveryClaims()

  function recordResult({ delivery, outcome, status, error }: DeliveryResult, now: Date): void {
    const { target } = delivery
    const { uploadId, version } = delivery.event
    const dueAt = dueAfter(outcome)?.getTime() ?? null
    if (!isAttempt(outcome)) {
      statements.postpone.run({ uploadId, target, version, dueAt })
      return
    }
    const state = stateAfter(outcome)
    const doneAt = state === 'waiting' ? null : now.getTime()
    statements.recordAttempt.run({
      uploadId,
      target,
      version,
      state,
      dueAt,
      doneAt,
      lastStatus: status,
      lastError: error,
    })
  }

  return {
    add({ event, targets }) {
      const { id, uploadId, version, type, body } = event
      const at = event.at.getTime()
      statements.addEvent.run({ id, uploadId, version, type, at, body })
      for (const target of targets) {
        statements.addDelivery.run({ id, uploadId, version, at, target })
      }
    },

    claimDeliveries: async (target, now, limit, until) => {
      const claimed = JSON.stringify(claims.claimedEvents(target, now))
      const due = statements.dueDeliveries
        .all({ target, now: now.getTime(), claimed, limit })
        .map((row) => readDueDelivery(row, until))
      for (const delivery of due) claims.add(delivery)
      return due
    },

    recordResults: async (results, now) => {
      const held = results.filter(({ delivery }) => claims.holds(delivery))
      if (held.length === 0) return
      await write(() => {
        for (const result of held) recordResult(result, now)
        const keys = text(statements.followed.get({ keys: keysParam(held) }))
        if (keys !== '[]') statements.promote.run({ keys, now: now.getTime() })
      })
      for (const { delivery } of held) claims.end(delivery)
    },

    nextDelivery: async (targets) =>
      dateOrNull(statements.nextDelivery.get({ targets: JSON.stringify(targets) })),

    countDeliveries: async (targets) =>
      new Map(
        statements.countDeliveries.all({ targets: JSON.stringify(targets) }).map(readTargetCounts),
      ),

    listDeliveries: async (state, limit) => {
      const rows =
        state === 'waiting'
          ? statements.listWaiting.all({ limit })
          : statements.listDone.all({ state, limit })
      return rows.map(readListedDelivery)
    },

    replayDeliveries: (filter, now, limit) =>
      write(() => {
        const values = { now: now.getTime(), limit }
        const replayed =
          filter.kind === 'event'
            ? statements.replayEvent.all({ id: filter.id, ...values })
            : filter.kind === 'dead'
              ? statements.replayDead.all(values)
              : statements.replaySince.all({ since: filter.since.getTime(), ...values })
        statements.promoteReplayed.run(values)
        statements.endReplay.run({})
        return replayed.length
      }),

    deleteOldDeliveries: async (now, limit) => {
      const values = { ...oldDeliveryValues(now), now: now.getTime(), limit }
      if (statements.hasOldDeliveries.get(values) === undefined) return 0
      return write(() => {
        const expired = statements.expire.all(values)
        if (expired.length > 0) statements.promoteExpired.run(values)
        const deleted = statements.deleteDone.all(values)
        return Math.max(expired.length, deleted.length)
      })
    },

    pullForward(now) {
      const at = now.getTime()
      statements.pullRetriesForward.run({ now: at, ahead: at + MAX_RETRY_DELAY_MS })
    },
  }
}
