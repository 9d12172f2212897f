/** The outbox in D1, with the statement definitions of the SQLite adapter. Each method is one round trip. */
import {
  type CallbackStore,
  type CallbackWrite,
  MAX_RETRY_DELAY_MS,
  type ReplayFilter,
} from '../../uploads/ports/callback-store.ts'
import {
  callbackValues,
  keysParam,
  oldDeliveryValues,
  readDueDelivery,
  readListedDelivery,
  readTargetCounts,
  resultsParam,
} from '../sqlite/callback-rows.ts'
import { defineCallbackStatements } from '../sqlite/callback-statements.ts'
import { dateOrNull } from '../sqlite/column-values.ts'
import { type D1Client, type Query, bindQuery } from './d1-client.ts'
import { plainColumns } from './statements.ts'

const statements = defineCallbackStatements(plainColumns)

/** Returns the queries that record an event if the next query of the batch writes its version. */
export function callbackQueries(callback: CallbackWrite | null): readonly Query[] {
  if (callback === null) return []
  const values = callbackValues(callback)
  return [
    bindQuery(statements.addCallbackEvent, values),
    bindQuery(statements.addDeliveries, values),
  ]
}

/** Returns the query that makes retries due that were scheduled under a wrong clock. */
export function pullRetriesForward(now: Date): Query {
  const at = now.getTime()
  return bindQuery(statements.pullRetriesForward, { now: at, ahead: at + MAX_RETRY_DELAY_MS })
}

/** Returns the queries of one transaction that replays up to `limit` deliveries; each is a row of the first one. */
export function replayQueries(filter: ReplayFilter, now: Date, limit: number): readonly Query[] {
  const values = { now: now.getTime(), limit }
  const replay =
    filter.kind === 'event'
      ? bindQuery(statements.replayEvent, { id: filter.id, ...values })
      : filter.kind === 'dead'
        ? bindQuery(statements.replayDead, values)
        : bindQuery(statements.replaySince, { since: filter.since.getTime(), ...values })
  return [
    replay,
    bindQuery(statements.promoteReplayed, values),
    bindQuery(statements.endReplay, {}),
  ]
}

export interface D1CallbackStore extends CallbackStore {
  /** Whether results were recorded since the start, so that deliveries may become old. */
  readonly isUsed: () => boolean
}

export function createD1CallbackStore({ batch, rows }: D1Client): D1CallbackStore {
  let isUsed = false
  return {
    isUsed: () => isUsed,

    claimDeliveries: async (target, now, limit, until) => {
      const values = { target, now: now.getTime(), limit, until: until.getTime() }
      const [due = []] = await batch([
        bindQuery(statements.dueDeliveries, values),
        bindQuery(statements.claimDeliveries, values),
      ])
      return due.map((row) => readDueDelivery(row, until))
    },

    recordResults: async (results, now) => {
      if (results.length === 0) return
      isUsed = true
      await batch([
        bindQuery(statements.recordResults, { results: resultsParam(results, now) }),
        bindQuery(statements.promote, { keys: keysParam(results), now: now.getTime() }),
      ])
    },

    nextDelivery: async (targets) => {
      const [row] = await rows(
        bindQuery(statements.nextDelivery, { targets: JSON.stringify(targets) }),
      )
      return dateOrNull(row?.[0] ?? null)
    },

    countDeliveries: async (targets) => {
      const counted = await rows(
        bindQuery(statements.countDeliveries, { targets: JSON.stringify(targets) }),
      )
      return new Map(counted.map(readTargetCounts))
    },

    listDeliveries: async (state, limit) => {
      const query =
        state === 'waiting'
          ? bindQuery(statements.listWaiting, { limit })
          : bindQuery(statements.listDone, { state, limit })
      return (await rows(query)).map(readListedDelivery)
    },

    replayDeliveries: async (filter, now, limit) => {
      const [replayed = []] = await batch(replayQueries(filter, now, limit))
      return replayed.length
    },

    deleteOldDeliveries: async (now, limit) => {
      const values = { ...oldDeliveryValues(now), now: now.getTime(), limit }
      const [expired = [], , deleted = []] = await batch([
        bindQuery(statements.expire, values),
        bindQuery(statements.promoteExpired, values),
        bindQuery(statements.deleteDone, values),
      ])
      return Math.max(expired.length, deleted.length)
    },
  }
}
