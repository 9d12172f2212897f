/**
 * `UploadStore` adapter for Cloudflare D1, with the tables, migrations and statement definitions of the
 * SQLite adapter.
 *
 * All operations are safe for concurrent Workers. The poll and sweep leases are granted to every caller: only
 * one Durable Object, the hub, synchronizes, and it knows all watched uploads.
 */
import { mintedUpload } from '../../uploads/minted-upload.ts'
import { type Upload, type UploadEvent, uploadStatuses } from '../../uploads/upload.ts'
import { createListStatements } from '../sqlite/list-statements.ts'
import {
  readCount,
  readDue,
  readEvent,
  readReference,
  readQuotaUsage,
  readIdempotentUpload,
  readReservation,
  readUpload,
} from '../sqlite/read-rows.ts'
import { pullForwardValues } from '../sqlite/statements.ts'
import type { Values, StatementDefinition } from '../sqlite/define-statement.ts'
import { changeLeaseValues } from '../sqlite/change-lease.ts'
import { ALL_CREATORS } from '../sqlite/tables.ts'
import { date, number, text } from '../sqlite/column-values.ts'
import { changeValues } from '../sqlite/write-rows.ts'
import { type UploadStore, hasTotal } from '../../uploads/ports/upload-store.ts'
import { createCallbackCleanup } from '../callback-cleanup.ts'
import { kindsOf } from '../list-query.ts'
import { type D1Database, type Row, createD1Client, bindQuery } from './d1-client.ts'
import { callbackQueries, createD1CallbackStore, pullRetriesForward } from './callback-store.ts'
import { openDeployment } from './open-deployment.ts'
import { createReserve } from './reserve.ts'
import { plainColumns, statements } from './statements.ts'

const presentOnly = <T>(value: T | null): value is T => value !== null

/**
 * Opens a migrated database; throws if migrations are pending. Each method is one round trip and usually one
 * query: D1 counts both. Without a session, all queries go to the primary, so each read sees all earlier
 * writes.
 */
export async function createD1Store(database: D1Database): Promise<UploadStore> {
  const client = createD1Client(database)
  const deployment = await openDeployment(client)
  const lists = createListStatements(plainColumns, (definition) => definition)
  const callbacks = createD1CallbackStore(client)
  const cleanUpCallbacks = createCallbackCleanup(callbacks)
  let sweptUntil: Date | null = null
  let maintainedAt: number | null = null

  const rows = <Name extends string>(
    definition: StatementDefinition<Name>,
    values: Values<Name>,
  ): Promise<readonly Row[]> => client.rows(bindQuery(definition, values))

  async function first<Name extends string>(
    definition: StatementDefinition<Name>,
    values: Values<Name>,
  ): Promise<Row | undefined> {
    const [row] = await rows(definition, values)
    return row
  }

  /** Executes a statement without a result. */
  async function done<Name extends string>(
    definition: StatementDefinition<Name>,
    values: Values<Name>,
  ): Promise<void> {
    await rows(definition, values)
  }

  async function findMany(uids: readonly string[]): Promise<readonly Upload[]> {
    if (uids.length === 0) return []
    const found = await rows(statements.findByUids, { uids: JSON.stringify(uids) })
    return found.map(readUpload).filter(presentOnly)
  }

  return {
    deployment,
    isShared: true,
    callbacks,

    recordAccount: async (account, { replace } = { replace: false }) => {
      const [, accounts] = await client.batch([
        bindQuery(statements.recordAccount, { account, replace: Number(replace) }),
        bindQuery(statements.account, {}),
      ])
      return text(accounts?.[0]?.[0])
    },

    reserve: createReserve(client),

    findByKey: async (requestedBy, idempotencyKey, since) => {
      const row = await first(statements.findByKey, { requestedBy, idempotencyKey })
      if (row === undefined) return null
      const keyed = readIdempotentUpload(row)
      const isExpired = keyed.upload !== null && keyed.upload.createdAt < since
      return isExpired ? null : keyed
    },

    mint: async (reservation, minted, at, pollAt, callback = null) => {
      const { id } = reservation
      const values = { id, ...minted, at: at.getTime(), checkAt: pollAt.getTime() }
      const results = await client.batch([
        ...callbackQueries(callback),
        bindQuery(statements.addFirstEvent, values),
        bindQuery(statements.mint, values),
      ])
      return results.at(-1)?.[0] === undefined ? null : mintedUpload(reservation, minted, at)
    },

    release: (id) => done(statements.release, { id }),
    retire: (id) => done(statements.retire, { id }),
    deleteRetiredBefore: (before) => done(statements.deleteRetired, { before: before.getTime() }),

    pendingReservations: async (before, limit) =>
      (await rows(statements.pendingReservations, { before: before.getTime(), limit })).map(
        readReservation,
      ),

    findReferences: async (ids) => {
      const known = await rows(statements.references, { ids: JSON.stringify(ids) })
      return new Map(known.map(readReference).map(({ id, status: outcome }) => [id, outcome]))
    },

    find: async (uid) => {
      const row = await first(statements.findByUid, { uid })
      return row === undefined ? null : readUpload(row)
    },

    findMany,

    historyOf: async (ids) => {
      const history = new Map<string, UploadEvent[]>(ids.map((id) => [id, []]))
      for (const row of await rows(statements.history, { ids: JSON.stringify(ids) })) {
        const { uploadId, event } = readEvent(row)
        history.get(uploadId)?.push(event)
      }
      return history
    },

    list: async (filter, range) => {
      const { statement, values } = lists.list(filter, range)
      return (await rows(statement, values)).map(readUpload).filter(presentOnly)
    },

    count: async (filter) => {
      const { creator = ALL_CREATORS } = filter
      if (!hasTotal(filter)) {
        const { statement, values } = lists.count(filter)
        return numberIn(await first(statement, values))
      }
      const kinds = kindsOf(filter)
      const [statuses, protocols] = [
        JSON.stringify(kinds.statuses),
        JSON.stringify(kinds.protocols),
      ]
      return numberIn(await first(statements.count, { creator, statuses, protocols }))
    },

    countByStatus: async () => {
      const counted = await rows(statements.countByStatus, { creator: ALL_CREATORS })
      const counts = new Map(counted.map(readCount))
      return new Map(uploadStatuses.map((status) => [status, counts.get(status) ?? 0]))
    },

    countReservations: async () => numberIn(await first(statements.countReservations, {})),

    countByToken: async (tokenId) => numberIn(await first(statements.countByToken, { tokenId })),

    quotaUsage: async (creator) =>
      readQuotaUsage(await first(statements.quotaUsage, { creator: creator ?? ALL_CREATORS })),

    saveVersion: async (change) => {
      const { upload, event, callback } = change
      const { id, version } = upload
      const expected = version - 1
      const queries = [...callbackQueries(callback)]
      if (event !== null) {
        const { status, source, at } = event
        const values = { id, expected, version, status, source, at: at.getTime() }
        queries.push(bindQuery(statements.addEvent, values))
      }
      const advance = bindQuery(statements.advance, { id, expected, ...changeValues(change) })
      if (queries.length === 0) return (await client.rows(advance)).length > 0
      const results = await client.batch([...queries, advance])
      return (results.at(-1)?.length ?? 0) > 0
    },

    acquireChangeLease: async (uid, now, until) => {
      const values = changeLeaseValues(uid, now, until)
      return (await first(statements.acquireChangeLease, values)) === undefined ? null : until
    },

    releaseChangeLease: (uid, until) =>
      done(statements.releaseChangeLease, { uid, until: until.getTime() }),

    findDue: async (now, limit) =>
      (await rows(statements.due, { now: now.getTime(), limit })).map(readDue).filter(presentOnly),

    // The caller is always the poll leader, and it knows what is watched.
    renewWatchLeases: async (uids, _now, _until, acquireLease) =>
      acquireLease ? uids.toSorted() : null,

    oldestDuePoll: async () => {
      const row = await first(statements.oldestDuePoll, {})
      return row === undefined ? null : date(row[0])
    },

    reschedulePolls: async (polls) => {
      if (polls.length === 0) return
      const rescheduled = polls.map(({ uid, version, pollAt, idlePolls, missingPolls = 0 }) => [
        uid,
        version,
        pollAt?.getTime() ?? null,
        idlePolls,
        missingPolls,
      ])
      await done(statements.rescheduleAll, { checks: JSON.stringify(rescheduled) })
    },

    saveUnmatchedWebhook: (uid, body, receivedAt) =>
      done(statements.saveUnmatchedWebhook, { uid, body, receivedAt: receivedAt.getTime() }),

    unmatchedWebhooks: async (uid) =>
      (await rows(statements.unmatchedWebhooks, { uid })).map(([body]) => text(body)),

    deleteUnmatchedWebhooks: (uid) => done(statements.deleteUnmatchedWebhooks, { uid }),

    deleteUnmatchedWebhooksBefore: async (before) =>
      (await rows(statements.deleteUnmatchedWebhooksBefore, { before: before.getTime() })).length,

    // The caller always gets the lease. `sweptUntil` is lost on restart: orphans are swept again.
    acquireSweepLease: async () => ({ sweptUntil }),
    releaseSweepLease: async (until) => {
      sweptUntil = until ?? sweptUntil
    },

    // Triggers update the totals with each write, so they need no maintenance.
    runMaintenance: async (now) => {
      const at = now.getTime()
      // Only after the clock was set back. Not on the first call: a hub starts often, and D1 bills rows.
      const isDue = maintainedAt !== null && at < maintainedAt
      maintainedAt = at
      if (isDue) {
        await client.batch([
          bindQuery(statements.pullForward, pullForwardValues(now)),
          pullRetriesForward(now),
        ])
      }
      // Not for a hub that delivers nothing: it starts often, and D1 bills rows.
      if (callbacks.isUsed()) await cleanUpCallbacks(now)
    },

    ping: () => done(statements.ping, {}),

    close: async () => {
      client.close()
    },
  }
}

function numberIn(row: Row | undefined): number {
  return number(row?.[0])
}
