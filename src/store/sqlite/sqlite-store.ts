/** `UploadStore` adapter for one SQLite file, with better-sqlite3. */
import { mintedUpload } from '../../uploads/minted-upload.ts'
import { type Upload, type UploadEvent, uploadStatuses } from '../../uploads/upload.ts'
import { type UploadStore, hasTotal } from '../../uploads/ports/upload-store.ts'
import { createCallbackCleanup } from '../callback-cleanup.ts'
import { kindsOf } from '../list-query.ts'
import { StoreUnavailable } from '../../uploads/ports/store-unavailable.ts'
import { createSqliteCallbackStore } from './callback-store.ts'
import { type SqliteDatabase, deploymentOf, openSqlite } from './database.ts'
import { guarded } from './failures.ts'
import { type GroupCommitOptions, createGroupCommit } from './group-commit.ts'
import { createListStatements } from './list-statements.ts'
import { prepare, prepareStatements } from './prepared-statements.ts'
import { createTickReadTransaction } from './read-transaction.ts'
import { createWriteProbe } from './write-probe.ts'
import {
  readCount,
  readDue,
  readEvent,
  readReference,
  readQuotaUsage,
  readIdempotentUpload,
  readReservation,
  readUpload,
} from './read-rows.ts'
import { packedRow } from './define-statement.ts'
import { changeLeaseValues } from './change-lease.ts'
import { reserve } from './reserve.ts'
import { defineStatements, pullForwardValues } from './statements.ts'
import { ALL_CREATORS } from './tables.ts'
import { date, number, text } from './column-values.ts'
import { changeValues } from './write-rows.ts'

const presentOnly = <T>(value: T | null): value is T => value !== null

/**
 * Opens and migrates the file as a store. Writes resolve once their shared transaction is committed; reads
 * execute immediately.
 */
export function createSqliteStore(file: string, options: GroupCommitOptions = {}): UploadStore {
  return createStoreOn(openSqlite(file), options)
}

/** Creates the store on an open database. `close` closes the connection. */
export function createStoreOn(
  database: SqliteDatabase,
  options: GroupCommitOptions = {},
): UploadStore {
  const { connection } = database
  const deployment = deploymentOf(database)
  const statements = prepareStatements(connection, defineStatements(packedRow))
  const lists = createListStatements(packedRow, (definition) => prepare(connection, definition))
  const reads = createTickReadTransaction(connection)
  const commits = createGroupCommit(connection, reads, options)
  const { write } = commits
  const callbacks = createSqliteCallbackStore(connection, commits)
  const cleanUpCallbacks = createCallbackCleanup(callbacks)
  const ping = connection.prepare("select 1 from uploads where id = ''")
  const probe = createWriteProbe(commits, statements, options.now)
  let sweptUntil: Date | null = null
  let maintainedAt: number | null = null

  async function findMany(uids: readonly string[]): Promise<readonly Upload[]> {
    reads.read()
    const rows = statements.findByUids.all({ uids: JSON.stringify(uids) })
    return rows.map(readUpload).filter(presentOnly)
  }

  function addEvent(uploadId: string, version: number, { status, source, at }: UploadEvent): void {
    statements.addEvent.run({ uploadId, version, status, source, at: at.getTime() })
  }

  return {
    deployment,
    isShared: false,
    callbacks,

    recordAccount: (account, { replace } = { replace: false }) =>
      write(() => {
        statements.recordAccount.run({ account, replace: Number(replace) })
        return text(statements.account.get({}))
      }),

    reserve: (reservation, rules) => write(() => reserve(statements, reservation, rules)),

    findByKey: async (requestedBy, idempotencyKey, since) => {
      const row = statements.findByKey.get({ requestedBy, idempotencyKey })
      if (row === undefined) return null
      const { reservation, upload } = readIdempotentUpload(row)
      const isExpired = upload !== null && upload.createdAt < since
      return isExpired ? null : { reservation, upload }
    },

    mint: (reservation, minted, at, pollAt, callback = null) =>
      write(() => {
        const { id } = reservation
        const values = { id, ...minted, at: at.getTime(), checkAt: pollAt.getTime() }
        if (statements.mint.run(values) === 0) return null
        addEvent(id, 1, { status: 'PENDING_UPLOAD', source: 'MUTATION', at })
        if (callback !== null) callbacks.add(callback)
        return mintedUpload(reservation, minted, at)
      }),

    release: (id) =>
      write(() => {
        statements.release.run({ id })
      }),

    retire: (id) =>
      write(() => {
        statements.retire.run({ id })
      }),

    deleteRetiredBefore: async (before) => {
      const values = { before: before.getTime() }
      // Called in every sync run, rarely with rows to delete: checks before taking the write lock.
      if (statements.hasRetired.get(values) === undefined) return
      await write(() => statements.deleteRetired.run(values))
    },

    pendingReservations: async (before, limit) =>
      statements.pendingReservations.all({ before: before.getTime(), limit }).map(readReservation),

    findReferences: async (ids) => {
      const rows = statements.references.all({ ids: JSON.stringify(ids) })
      return new Map(rows.map(readReference).map(({ id, status: outcome }) => [id, outcome]))
    },

    find: (uid) => {
      reads.read()
      const row = statements.findByUid.get({ uid })
      return row === undefined ? null : readUpload(row)
    },

    findMany,

    historyOf: async (ids) => {
      reads.read()
      const history = new Map<string, UploadEvent[]>(ids.map((id) => [id, []]))
      for (const row of statements.history.all({ ids: JSON.stringify(ids) })) {
        const { uploadId, event } = readEvent(row)
        history.get(uploadId)?.push(event)
      }
      return history
    },

    list: async (filter, range) => {
      reads.read()
      const { statement, values } = lists.list(filter, range)
      return statement.all(values).map(readUpload).filter(presentOnly)
    },

    count: async (filter) => {
      const { creator = ALL_CREATORS } = filter
      if (!hasTotal(filter)) {
        const { statement, values } = lists.count(filter)
        return number(statement.get(values))
      }
      const { statuses, protocols } = kindsOf(filter)
      const values = { statuses: JSON.stringify(statuses), protocols: JSON.stringify(protocols) }
      return number(statements.count.get({ creator, ...values }))
    },

    countByStatus: async () => {
      const counts = new Map(statements.countByStatus.all({ creator: ALL_CREATORS }).map(readCount))
      return new Map(uploadStatuses.map((status) => [status, counts.get(status) ?? 0]))
    },

    countReservations: async () => number(statements.countReservations.get({})),

    countByToken: async (tokenId) => number(statements.countByToken.get({ tokenId })),

    quotaUsage: async (creator) =>
      readQuotaUsage(statements.quotaUsage.get({ creator: creator ?? ALL_CREATORS })),

    saveVersion: (change) =>
      write(() => {
        const { id, version } = change.upload
        const values = { id, expected: version - 1, ...changeValues(change) }
        if (statements.advance.run(values) === 0) return false
        if (change.event !== null) addEvent(id, version, change.event)
        if (change.callback !== null) callbacks.add(change.callback)
        return true
      }),

    acquireChangeLease: (uid, now, until) =>
      write(() => {
        const isAcquired = statements.acquireChangeLease.run(changeLeaseValues(uid, now, until)) > 0
        return isAcquired ? until : null
      }),

    releaseChangeLease: (uid, until) =>
      write(() => {
        statements.releaseChangeLease.run({ uid, until: until.getTime() })
      }),

    findDue: async (now, limit) =>
      statements.due.all({ now: now.getTime(), limit }).map(readDue).filter(presentOnly),

    // There is only one gateway.
    renewWatchLeases: async (uids, _now, _until, acquireLease) =>
      acquireLease ? uids.toSorted() : null,

    oldestDuePoll: async () => {
      const pollAt = statements.oldestDuePoll.get({})
      return pollAt === undefined ? null : date(pollAt)
    },

    reschedulePolls: async (polls) => {
      if (polls.length === 0) return
      await write(() => {
        for (const { pollAt, idlePolls, missingPolls = 0, ...poll } of polls) {
          const values = {
            ...poll,
            idleChecks: idlePolls,
            checkAt: pollAt?.getTime() ?? null,
            missingChecks: missingPolls,
          }
          statements.reschedule.run(values)
        }
      })
    },

    saveUnmatchedWebhook: (uid, body, receivedAt) =>
      write(() => {
        statements.saveUnmatchedWebhook.run({ uid, body, receivedAt: receivedAt.getTime() })
      }),

    unmatchedWebhooks: async (uid) => {
      reads.read()
      return statements.unmatchedWebhooks.all({ uid }).map(text)
    },

    deleteUnmatchedWebhooks: (uid) =>
      write(() => {
        statements.deleteUnmatchedWebhooks.run({ uid })
      }),

    deleteUnmatchedWebhooksBefore: async (before) => {
      const values = { before: before.getTime() }
      if (statements.hasUnmatchedWebhooks.get(values) === undefined) return 0
      return write(() => statements.deleteUnmatchedWebhooksBefore.run(values))
    },

    // The only gateway always gets the lease. `sweptUntil` is lost on restart: orphans are swept again.
    acquireSweepLease: async () => ({ sweptUntil }),
    releaseSweepLease: async (until) => {
      sweptUntil = until ?? sweptUntil
    },

    // Triggers update the totals with each write, so they need no maintenance.
    runMaintenance: async (now) => {
      const at = now.getTime()
      // On the first call, and after the clock was set back.
      const isDue = maintainedAt === null || at < maintainedAt
      maintainedAt = at
      if (isDue) {
        await write(() => {
          statements.pullForward.run(pullForwardValues(now))
          callbacks.pullForward(now)
        })
      }
      await cleanUpCallbacks(now)
    },

    ping: async () => {
      guarded(() => ping.get())
      await probe()
    },

    close: async () => {
      await commits.flush()
      reads.end()
      try {
        // Does not wait for other processes: the next start reads what remains in the WAL.
        guarded(() => connection.pragma('wal_checkpoint(TRUNCATE)'))
      } catch (error) {
        // A full disk has no room for the checkpoint.
        if (!(error instanceof StoreUnavailable)) throw error
      } finally {
        connection.close()
      }
    },
  }
}
