/** The embedded keeper: one SQLite file, by better-sqlite3. */
import { type Upload, type UploadEvent, uploadStatuses } from '../../uploads/upload.ts'
import {
  type Holdings,
  type Reservation,
  type ReserveOutcome,
  type ReserveRules,
  type UploadStore,
  hasTotal,
} from '../../uploads/ports/upload-store.ts'
import { kindsOf } from '../list-query.ts'
import { StoreUnavailable } from '../../uploads/ports/store-unavailable.ts'
import { createClaims } from './poll-claims.ts'
import { type SqliteDatabase, deploymentOf, openSqlite } from './database.ts'
import { guarded } from './failures.ts'
import { type GroupCommitOptions, createGroupCommit } from './group-commit.ts'
import { createLists } from './list-statements.ts'
import { pollsAhead } from './polls-ahead.ts'
import { prepare, prepareAll } from './prepared-statements.ts'
import { createReadTurns } from './read-transaction.ts'
import { createWriteProbe } from './write-probe.ts'
import {
  readCount,
  readDue,
  readEvent,
  readFate,
  readHoldings,
  readKeyed,
  readReservation,
  readUpload,
} from './read-rows.ts'
import { packed } from './define-statement.ts'
import { wordStatements } from './statements.ts'
import type { RowStatus } from '../row-status.ts'
import { EVERYBODY } from './tables.ts'
import { moment, number, text } from './column-values.ts'
import { valuesOfChange, valuesOfReservation } from './write-rows.ts'

const presentOnly = <T>(value: T | null): value is T => value !== null

/**
 * Opens (and migrates) the file as a store. What is written resolves once it is committed, together
 * with whatever else was written at the same time; what is read is read at once.
 */
export function createSqliteStore(file: string, options: GroupCommitOptions = {}): UploadStore {
  return createStoreOn(openSqlite(file), options)
}

/** The store on a database that is open; it closes the connection. */
export function createStoreOn(
  database: SqliteDatabase,
  options: GroupCommitOptions = {},
): UploadStore {
  const { connection } = database
  const deployment = deploymentOf(database)
  const statements = prepareAll(connection, wordStatements(packed))
  const lists = createLists(packed, (worded) => prepare(connection, worded))
  const turns = createReadTurns(connection)
  const commits = createGroupCommit(connection, turns, options)
  const { write } = commits
  const alive = connection.prepare("select 1 from uploads where id = ''")
  const probe = createWriteProbe(commits, statements, options.now)
  const claims = createClaims()
  let sweptUntil: Date | null = null
  let tidiedAt: number | null = null

  async function findMany(uids: readonly string[]): Promise<readonly Upload[]> {
    turns.read()
    const rows = statements.findByUids.all({ uids: JSON.stringify(uids) })
    return rows.map(readUpload).filter(presentOnly)
  }

  function addEvent(uploadId: string, version: number, { status, source, at }: UploadEvent): void {
    statements.addEvent.run({ uploadId, version, status, source, at: at.getTime() })
  }

  const holdingsOf = (creator: string): Holdings =>
    readHoldings(statements.holdings.get({ creator }))

  /** How many rows stand in each status, of those in which any stood so far. */
  const countRows = (): ReadonlyMap<RowStatus, number> =>
    new Map(statements.countByStatus.all({ creator: EVERYBODY }).map(readCount))

  function reserve(reservation: Reservation, rules: ReserveRules): ReserveOutcome {
    const { requestedBy, idempotencyKey, creator } = reservation
    if (idempotencyKey !== null) {
      const before = rules.forgetKeysBefore.getTime()
      statements.forgetKey.run({ requestedBy, idempotencyKey, before })
      const row = statements.findByKey.get({ requestedBy, idempotencyKey })
      if (row !== undefined) return { kind: 'taken', ...readKeyed(row) }
    }
    if (rules.creatorQuotaSeconds !== null) {
      const { reservedSeconds, storedSeconds } = holdingsOf(creator)
      const heldSeconds = reservedSeconds + storedSeconds
      const wanted = heldSeconds + reservation.constraints.maxDurationSeconds
      if (wanted > rules.creatorQuotaSeconds) return { kind: 'over-quota', heldSeconds }
    }
    statements.reserve.run(valuesOfReservation(reservation))
    return { kind: 'reserved' }
  }

  return {
    deployment,
    isShared: false,

    noteAccount: (account, { replace } = { replace: false }) =>
      write(() => {
        statements.noteAccount.run({ account, replace: Number(replace) })
        return text(statements.account.get({}))
      }),

    reserve: (reservation, rules) => write(() => reserve(reservation, rules)),

    findByKey: async (requestedBy, idempotencyKey, since) => {
      const row = statements.findByKey.get({ requestedBy, idempotencyKey })
      if (row === undefined) return null
      const { reservation, upload } = readKeyed(row)
      const isForgotten = upload !== null && upload.createdAt < since
      return isForgotten ? null : { reservation, upload }
    },

    mint: (id, { uid, uploadURL }, at, checkAt) =>
      write(() => {
        const values = { id, uid, uploadURL, at: at.getTime(), checkAt: checkAt.getTime() }
        const row = statements.mint.get(values)
        if (row === undefined) return null
        addEvent(id, 1, { status: 'PENDING_UPLOAD', source: 'MUTATION', at })
        return readUpload(row)
      }),

    release: (id) =>
      write(() => {
        statements.release.run({ id })
      }),

    retire: (id) =>
      write(() => {
        statements.retire.run({ id })
      }),

    dropRetiredBefore: async (before) => {
      const values = { before: before.getTime() }
      // Asked for at every round of synchronisation, where there is nearly never anything to drop.
      if (statements.hasRetired.get(values) === undefined) return
      await write(() => statements.dropRetired.run(values))
    },

    unsettled: async (before, limit) =>
      statements.unsettled.all({ before: before.getTime(), limit }).map(readReservation),

    knownReferences: async (ids) => {
      const rows = statements.references.all({ ids: JSON.stringify(ids) })
      return new Map(rows.map(readFate).map(({ id, fate }) => [id, fate]))
    },

    find: (uid) => {
      turns.read()
      const row = statements.findByUid.get({ uid })
      return row === undefined ? null : readUpload(row)
    },

    findMany,

    historyOf: async (ids) => {
      turns.read()
      const history = new Map<string, UploadEvent[]>(ids.map((id) => [id, []]))
      for (const row of statements.history.all({ ids: JSON.stringify(ids) })) {
        const { uploadId, event } = readEvent(row)
        history.get(uploadId)?.push(event)
      }
      return history
    },

    list: async (selection, stretch) => {
      turns.read()
      const { statement, values } = lists.list(selection, stretch)
      return statement.all(values).map(readUpload).filter(presentOnly)
    },

    count: async (selection) => {
      const { creator = EVERYBODY } = selection
      if (!hasTotal(selection)) {
        const { statement, values } = lists.count(selection)
        return number(statement.get(values))
      }
      const kinds = kindsOf(selection)
      const [statuses, protocols] = [
        JSON.stringify(kinds.statuses),
        JSON.stringify(kinds.protocols),
      ]
      return number(statements.count.get({ creator, statuses, protocols }))
    },

    countByStatus: async () => {
      const rows = countRows()
      return new Map(uploadStatuses.map((status) => [status, rows.get(status) ?? 0]))
    },

    countReservations: async () => countRows().get('RESERVED') ?? 0,

    holdings: async (creator) => holdingsOf(creator ?? EVERYBODY),

    advance: (change) =>
      write(() => {
        const { id, uid, version } = change.upload
        const values = { id, expected: version - 1, ...valuesOfChange(change) }
        if (statements.advance.run(values) === 0) return false
        if (change.event !== null) addEvent(id, version, change.event)
        claims.drop(uid)
        return true
      }),

    claimDue: async (now, limit, until) => {
      const values = { now: now.getTime(), limit: limit + claims.count() }
      const due = statements.due.all(values).map(readDue).filter(presentOnly)
      return claims.take(due, limit, now, until)
    },

    // There is no other gateway.
    noteWatched: async (uids, _now, _until, asks) => (asks ? uids.toSorted() : null),

    oldestDue: async () => {
      const checkAt = statements.oldestDue.get({})
      return checkAt === undefined ? null : moment(checkAt)
    },

    reschedule: async (checks) => {
      if (checks.length === 0) return
      await write(() => {
        for (const { checkAt, missingChecks = 0, ...check } of checks) {
          const values = { ...check, checkAt: checkAt?.getTime() ?? null, missingChecks }
          statements.reschedule.run(values)
          claims.drop(check.uid)
        }
      })
    },

    keepNotice: (uid, body, receivedAt) =>
      write(() => {
        statements.keepNotice.run({ uid, body, receivedAt: receivedAt.getTime() })
      }),

    keptNotices: async (uid) => {
      turns.read()
      return statements.keptNotices.all({ uid }).map(text)
    },

    dropNotices: (uid) =>
      write(() => {
        statements.dropNotices.run({ uid })
      }),

    dropNoticesBefore: async (before) => {
      const values = { before: before.getTime() }
      if (statements.hasNotices.get(values) === undefined) return 0
      return write(() => statements.dropNoticesBefore.run(values))
    },

    // The turn is always this one's. What was swept before a restart is swept once more.
    beginSweep: async () => ({ sweptUntil }),
    endSweep: async (until) => {
      sweptUntil = until ?? sweptUntil
    },

    // Tallies are kept by each write itself.
    tidy: async (now) => {
      const at = now.getTime()
      // At first, and where the clock was set back.
      const isDue = tidiedAt === null || at < tidiedAt
      tidiedAt = at
      if (isDue) await write(() => void statements.pullForward.run(pollsAhead(now)))
    },

    ping: async () => {
      guarded(() => alive.get())
      await probe()
    },

    close: async () => {
      await commits.flush()
      turns.end()
      try {
        // Without waiting for other processes: what stays in the log is read by the next start.
        guarded(() => connection.pragma('wal_checkpoint(TRUNCATE)'))
      } catch (error) {
        // Nor is there room for it on a full disk.
        if (!(error instanceof StoreUnavailable)) throw error
      } finally {
        connection.close()
      }
    },
  }
}
