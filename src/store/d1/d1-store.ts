/**
 * The keeper on Cloudflare Workers: D1, with the tables, migrations and words of the SQLite keeper.
 *
 * Whatever many Workers do at the same time is safe. The turns to ask Stream and to sweep are given to
 * whoever asks for them: for the one Durable Object that synchronises, which also knows what is watched.
 */
import { type Upload, type UploadEvent, uploadStatuses } from '../../uploads/upload.ts'
import type { RowStatus } from '../row-status.ts'
import { createLists } from '../sqlite/list-statements.ts'
import {
  readCount,
  readDue,
  readEvent,
  readFate,
  readHoldings,
  readKeyed,
  readReservation,
  readUpload,
} from '../sqlite/read-rows.ts'
import { pollsAhead } from '../sqlite/polls-ahead.ts'
import type { Values, Worded } from '../sqlite/define-statement.ts'
import { EVERYBODY } from '../sqlite/tables.ts'
import { moment, number, text } from '../sqlite/column-values.ts'
import { valuesOfChange } from '../sqlite/write-rows.ts'
import { type UploadStore, hasTotal } from '../../uploads/ports/upload-store.ts'
import { kindsOf } from '../list-query.ts'
import { type D1Database, type Row, createAsking, questionOf } from './d1-client.ts'
import { openDeployment } from './open-deployment.ts'
import { createReserve } from './reserve.ts'
import { asTheyStand, statements } from './statements.ts'

const presentOnly = <T>(value: T | null): value is T => value !== null

/**
 * Opens a database that is migrated already; throws where it is not. Each call of the port is one
 * round trip, and each but a few one query: D1 counts both. Without a session all of them go to the
 * primary, so that what one has written the next one reads.
 */
export async function createD1Store(database: D1Database): Promise<UploadStore> {
  const asking = createAsking(database)
  const deployment = await openDeployment(asking)
  const lists = createLists(asTheyStand, (worded) => worded)
  let sweptUntil: Date | null = null
  let tidiedAt: number | null = null

  const rows = <Name extends string>(
    worded: Worded<Name>,
    values: Values<Name>,
  ): Promise<readonly Row[]> => asking.rows(questionOf(worded, values))

  async function first<Name extends string>(
    worded: Worded<Name>,
    values: Values<Name>,
  ): Promise<Row | undefined> {
    const [row] = await rows(worded, values)
    return row
  }

  /** For what says nothing but that it is done. */
  async function done<Name extends string>(
    worded: Worded<Name>,
    values: Values<Name>,
  ): Promise<void> {
    await rows(worded, values)
  }

  async function findMany(uids: readonly string[]): Promise<readonly Upload[]> {
    if (uids.length === 0) return []
    const found = await rows(statements.findByUids, { uids: JSON.stringify(uids) })
    return found.map(readUpload).filter(presentOnly)
  }

  /** How many rows stand in each status, of those in which any stood so far. */
  async function countRows(): Promise<ReadonlyMap<RowStatus, number>> {
    return new Map((await rows(statements.countByStatus, { creator: EVERYBODY })).map(readCount))
  }

  return {
    deployment,
    isShared: true,

    noteAccount: async (account, { replace } = { replace: false }) => {
      const [, noted] = await asking.together([
        questionOf(statements.noteAccount, { account, replace: Number(replace) }),
        questionOf(statements.account, {}),
      ])
      return text(noted?.[0]?.[0])
    },

    reserve: createReserve(asking),

    findByKey: async (requestedBy, idempotencyKey, since) => {
      const row = await first(statements.findByKey, { requestedBy, idempotencyKey })
      if (row === undefined) return null
      const keyed = readKeyed(row)
      const isForgotten = keyed.upload !== null && keyed.upload.createdAt < since
      return isForgotten ? null : keyed
    },

    mint: async (id, { uid, uploadURL }, at, checkAt) => {
      const values = { id, uid, uploadURL, at: at.getTime(), checkAt: checkAt.getTime() }
      const [, minted] = await asking.together([
        questionOf(statements.addFirstEvent, values),
        questionOf(statements.mint, values),
      ])
      const row = minted?.[0]
      return row === undefined ? null : readUpload(row)
    },

    release: (id) => done(statements.release, { id }),
    retire: (id) => done(statements.retire, { id }),
    dropRetiredBefore: (before) => done(statements.dropRetired, { before: before.getTime() }),

    unsettled: async (before, limit) =>
      (await rows(statements.unsettled, { before: before.getTime(), limit })).map(readReservation),

    knownReferences: async (ids) => {
      const known = await rows(statements.references, { ids: JSON.stringify(ids) })
      return new Map(known.map(readFate).map(({ id, fate }) => [id, fate]))
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

    list: async (selection, stretch) => {
      const { statement, values } = lists.list(selection, stretch)
      return (await rows(statement, values)).map(readUpload).filter(presentOnly)
    },

    count: async (selection) => {
      const { creator = EVERYBODY } = selection
      if (!hasTotal(selection)) {
        const { statement, values } = lists.count(selection)
        return numberIn(await first(statement, values))
      }
      const kinds = kindsOf(selection)
      const [statuses, protocols] = [
        JSON.stringify(kinds.statuses),
        JSON.stringify(kinds.protocols),
      ]
      return numberIn(await first(statements.count, { creator, statuses, protocols }))
    },

    countByStatus: async () => {
      const counted = await countRows()
      return new Map(uploadStatuses.map((status) => [status, counted.get(status) ?? 0]))
    },

    countReservations: async () => (await countRows()).get('RESERVED') ?? 0,

    holdings: async (creator) =>
      readHoldings(await first(statements.holdings, { creator: creator ?? EVERYBODY })),

    advance: async (change) => {
      const { upload, event } = change
      const { id, version } = upload
      const expected = version - 1
      const advance = questionOf(statements.advance, { id, expected, ...valuesOfChange(change) })
      if (event === null) return (await asking.rows(advance)).length > 0
      const { status, source, at } = event
      const values = { id, expected, version, status, source, at: at.getTime() }
      const [, advanced] = await asking.together([questionOf(statements.addEvent, values), advance])
      return advanced !== undefined && advanced.length > 0
    },

    claimDue: async (now, limit, until) => {
      const values = { now: now.getTime(), limit, until: until.getTime() }
      const [due = []] = await asking.together([
        questionOf(statements.due, values),
        questionOf(statements.claimDue, values),
      ])
      return due.map(readDue).filter(presentOnly)
    },

    // The turn to ask is always this one's, and what is watched it knows.
    noteWatched: async (uids, _now, _until, asks) => (asks ? uids.toSorted() : null),

    oldestDue: async () => {
      const row = await first(statements.oldestDue, {})
      return row === undefined ? null : moment(row[0])
    },

    reschedule: async (checks) => {
      if (checks.length === 0) return
      const listed = checks.map(({ uid, version, checkAt, idleChecks, missingChecks = 0 }) => [
        uid,
        version,
        checkAt?.getTime() ?? null,
        idleChecks,
        missingChecks,
      ])
      await done(statements.rescheduleAll, { checks: JSON.stringify(listed) })
    },

    keepNotice: (uid, body, receivedAt) =>
      done(statements.keepNotice, { uid, body, receivedAt: receivedAt.getTime() }),

    keptNotices: async (uid) =>
      (await rows(statements.keptNotices, { uid })).map(([body]) => text(body)),

    dropNotices: (uid) => done(statements.dropNotices, { uid }),

    dropNoticesBefore: async (before) =>
      (await rows(statements.dropNoticesBefore, { before: before.getTime() })).length,

    // The turn is always this one's. What was swept before a restart is swept once more.
    beginSweep: async () => ({ sweptUntil }),
    endSweep: async (until) => {
      sweptUntil = until ?? sweptUntil
    },

    // Tallies are kept by each write itself.
    tidy: async (now) => {
      const at = now.getTime()
      // Where the clock was set back; not at first, for a hub begins often, and D1 counts rows.
      const isDue = tidiedAt !== null && at < tidiedAt
      tidiedAt = at
      if (isDue) await done(statements.pullForward, pollsAhead(now))
    },

    ping: () => done(statements.alive, {}),

    close: async () => {
      asking.close()
    },
  }
}

function numberIn(row: Row | undefined): number {
  return number(row?.[0])
}
