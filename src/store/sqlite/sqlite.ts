/** The embedded keeper: one SQLite file, by better-sqlite3. */
import { randomUUID } from 'node:crypto'
import type { UploadEvent, UploadStatus } from '../../uploads/upload.ts'
import type { ReserveOutcome, UploadStore } from '../store.ts'
import { openSqlite } from './database.ts'
import { prepareLists } from './lists.ts'
import { changeToRow, reservationToRow, rowToReservation, rowToUpload } from './rows.ts'
import { prepareStatements } from './statements.ts'
import { deployments } from './tables.ts'

const presentOnly = <T>(value: T | null): value is T => value !== null

/** Opens (and migrates) the file as a store. Dates reach prepared SQL as milliseconds. */
export function createSqliteStore(file: string): UploadStore {
  const { db, connection } = openSqlite(file)
  const statements = prepareStatements(db)
  const lists = prepareLists(db)
  const alive = connection.prepare("select 1 from uploads where id = ''")

  function addEvent(uploadId: string, version: number, event: UploadEvent): void {
    statements.addEvent.run({ uploadId, version, ...event })
  }

  return {
    deployment: deploymentOf(db),

    reserve: async (reservation, rules) =>
      db.transaction(
        (): ReserveOutcome => {
          const { requestedBy, idempotencyKey, creator } = reservation
          if (idempotencyKey !== null) {
            const before = rules.forgetKeysBefore.getTime()
            statements.forgetKey.run({ requestedBy, idempotencyKey, before })
            const row = statements.findByKey.get({ requestedBy, idempotencyKey })
            if (row !== undefined) {
              return { kind: 'taken', reservation: rowToReservation(row), upload: rowToUpload(row) }
            }
          }
          if (rules.creatorQuotaSeconds !== null) {
            const held = statements.holdingsOf.get({ creator })
            const heldSeconds = (held?.reservedSeconds ?? 0) + (held?.storedSeconds ?? 0)
            const wanted = heldSeconds + reservation.constraints.maxDurationSeconds
            if (wanted > rules.creatorQuotaSeconds) return { kind: 'over-quota', heldSeconds }
          }
          statements.reserve.run(reservationToRow(reservation))
          return { kind: 'reserved' }
        },
        // Two that race for the last minutes, or for one key, are decided one after the other.
        { behavior: 'immediate' },
      ),

    findByKey: async (requestedBy, idempotencyKey, since) => {
      const row = statements.findByKey.get({ requestedBy, idempotencyKey })
      if (row === undefined || (row.uid !== null && row.createdAt < since)) return null
      return { reservation: rowToReservation(row), upload: rowToUpload(row) }
    },

    mint: async (id, minted, at, checkAt) =>
      db.transaction(() => {
        const row = statements.mint.get({
          id,
          ...minted,
          at: at.getTime(),
          checkAt: checkAt.getTime(),
        })
        if (row === undefined) return null
        addEvent(id, 1, { status: 'PENDING_UPLOAD', source: 'MUTATION', at })
        return rowToUpload(row)
      }),

    release: async (id) => {
      statements.release.run({ id })
    },

    retire: async (id) => {
      statements.retire.run({ id })
    },

    dropRetiredBefore: async (before) => {
      statements.dropRetired.run({ before: before.getTime() })
    },

    unsettled: async (before, limit) =>
      statements.unsettled.all({ before: before.getTime(), limit }).map(rowToReservation),

    knownReferences: async (ids) => {
      const rows = statements.references.all({ ids: JSON.stringify(ids) })
      return new Map(
        rows.map(({ id, uid, status }) => [id, { uid, retired: status === 'RETIRED' }]),
      )
    },

    find: async (uid) => {
      const row = statements.findByUid.get({ uid })
      return row === undefined ? null : rowToUpload(row)
    },

    findMany: async (uids) =>
      statements.findByUids
        .all({ uids: JSON.stringify(uids) })
        .map(rowToUpload)
        .filter(presentOnly),

    historyOf: async (ids) => {
      const history = new Map<string, UploadEvent[]>(ids.map((id) => [id, []]))
      for (const row of statements.history.all({ ids: JSON.stringify(ids) })) {
        history.get(row.uploadId)?.push({ status: row.status, source: row.source, at: row.at })
      }
      return history
    },

    list: async (selection, stretch) =>
      lists.rows(selection, stretch).map(rowToUpload).filter(presentOnly),

    count: async (selection) => lists.count(selection),

    holdings: async (creator) => {
      const row =
        creator === undefined ? statements.holdings.get() : statements.holdingsOf.get({ creator })
      return row ?? { reservedSeconds: 0, storedSeconds: 0 }
    },

    countByStatus: async () => {
      const counts = new Map<UploadStatus, number>()
      for (const { status, count } of statements.countByStatus.all()) {
        if (status !== 'RESERVED' && status !== 'RETIRED') counts.set(status, count)
      }
      return counts
    },

    countReservations: async () =>
      statements.countByStatus.all().find(({ status }) => status === 'RESERVED')?.count ?? 0,

    oldestDue: async () => statements.oldestDue.get()?.checkAt ?? null,

    advance: async (change) =>
      db.transaction(() => {
        const { id, version } = change.upload
        const { changes } = statements.advance.run({
          id,
          expected: version - 1,
          ...plain(changeToRow(change)),
        })
        if (changes === 0) return false
        if (change.event !== null) addEvent(id, version, change.event)
        return true
      }),

    due: async (now, limit) =>
      statements.due.all({ now: now.getTime(), limit }).flatMap((row) => {
        const upload = rowToUpload(row)
        return upload === null ? [] : [{ upload, idleChecks: row.idleChecks }]
      }),

    reschedule: async (checks) =>
      db.transaction(() => {
        for (const { uid, version, checkAt, idleChecks } of checks) {
          statements.reschedule.run({
            uid,
            version,
            checkAt: checkAt?.getTime() ?? null,
            idleChecks,
          })
        }
      }),

    keepNotice: async (uid, body, receivedAt) => {
      statements.keepNotice.run({ uid, body, receivedAt })
    },
    keptNotices: async (uid) => statements.keptNotices.all({ uid }).map((row) => row.body),
    dropNotices: async (uid) => {
      statements.dropNotices.run({ uid })
    },
    dropNoticesBefore: async (before) =>
      statements.dropNoticesBefore.run({ before: before.getTime() }).changes,

    ping: async () => {
      alive.get()
    },
    close: async () => {
      connection.pragma('wal_checkpoint(TRUNCATE)')
      connection.close()
    },
  }
}

/** The name by which this database knows its own uploads at Stream; made with the database. */
function deploymentOf(db: ReturnType<typeof openSqlite>['db']): string {
  return db.transaction(
    () => {
      const known = db.select().from(deployments).get()
      if (known !== undefined) return known.id
      const id = randomUUID().slice(0, 8)
      db.insert(deployments).values({ id }).run()
      return id
    },
    { behavior: 'immediate' },
  )
}

/** SQLite's own kinds of value: placeholders in raw SQL are not mapped by their column. */
function plain(row: ReturnType<typeof changeToRow>): Record<string, string | number | null> {
  return Object.fromEntries(
    Object.entries(row).map(([column, value]) => [
      column,
      value instanceof Date ? value.getTime() : typeof value === 'boolean' ? Number(value) : value,
    ]),
  )
}
