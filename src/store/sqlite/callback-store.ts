/** The outbox in the SQLite file. Its writes share transactions with those of uploads. */
import type { Database } from 'better-sqlite3'
import {
  type CallbackStore,
  type CallbackWrite,
  MAX_RETRY_DELAY_MS,
} from '../../uploads/ports/callback-store.ts'
import {
  callbackValues,
  keysParam,
  oldDeliveryValues,
  readDueDelivery,
  readListedDelivery,
  readTargetCounts,
  resultsParam,
} from './callback-rows.ts'
import { defineCallbackStatements } from './callback-statements.ts'
import { dateOrNull } from './column-values.ts'
import { packedRow } from './define-statement.ts'
import type { GroupCommit } from './group-commit.ts'
import { prepareStatements } from './prepared-statements.ts'

export interface SqliteCallbackStore extends CallbackStore {
  /** Records an event if the next statement writes its version. Must run within the write transaction of the change. */
  add(callback: CallbackWrite): void
  /** Makes retries due that were scheduled under a wrong clock. Must run within a write transaction. */
  pullForward(now: Date): void
}

export function createSqliteCallbackStore(
  connection: Database,
  { write }: Pick<GroupCommit, 'write'>,
): SqliteCallbackStore {
  const statements = prepareStatements(connection, defineCallbackStatements(packedRow))

  return {
    add(callback) {
      const values = callbackValues(callback)
      if (statements.addCallbackEvent.run(values) > 0) statements.addDeliveries.run(values)
    },

    claimDeliveries: async (target, now, limit, until) => {
      const values = { target, now: now.getTime(), limit, until: until.getTime() }
      // Called often: checks before taking the write lock.
      if (statements.dueDeliveries.get({ ...values, limit: 1 }) === undefined) return []
      return write(() => {
        const due = statements.dueDeliveries.all(values)
        statements.claimDeliveries.run(values)
        return due.map((row) => readDueDelivery(row, until))
      })
    },

    recordResults: async (results, now) => {
      if (results.length === 0) return
      await write(() => {
        statements.recordResults.run({ results: resultsParam(results, now) })
        statements.promote.run({ keys: keysParam(results), now: now.getTime() })
      })
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
