/** The keeper that many gateways share: PostgreSQL. */
import { createHash, randomUUID } from 'node:crypto'
import { type NodePgDatabase, drizzle } from 'drizzle-orm/node-postgres'
import { type Upload, type UploadEvent, uploadStatuses } from '../../uploads/upload.ts'
import type { Postgres } from '../../postgres/connection-pool.ts'
import type { RowStatus } from '../row-status.ts'
import { type UploadStore, hasTotal } from '../../uploads/ports/upload-store.ts'
import { kindsOf } from '../list-query.ts'
import { prepareLists } from './list-statements.ts'
import { migratePostgres } from './migrate.ts'
import { readKeyed, readReservation, readUpload, readUploads } from './read-rows.ts'
import { createReserve, holdingsOf } from './reserve.ts'
import { prepareStatements } from './statements.ts'
import { EVERYBODY, TURN_TO_ASK, deployments } from './tables.ts'
import { createTidy } from './maintenance.ts'
import { valuesOfChange } from './write-rows.ts'

/**
 * Migrates the database where that is lacking, and opens it as a store. Closing the store closes the
 * way to the database as well.
 * @param leasesBy whose clock decides how long a gateway has a turn: the server's, or, for tests, callers'
 */
export async function createPostgresStore(
  postgres: Postgres,
  leasesBy: 'server' | 'caller' = 'server',
): Promise<UploadStore> {
  await migratePostgres(postgres)
  const { pool, reach } = postgres
  const db = drizzle({ client: pool })
  const statements = prepareStatements(db)
  const lists = prepareLists(db)
  const reserve = createReserve(postgres, statements)
  const tidy = createTidy(db, statements)
  /** Tells this gateway's claims from those of others. */
  const gateway = randomUUID()
  let pinging: Promise<void> | null = null

  return {
    deployment: await reach(() => deploymentOf(db)),
    isShared: true,

    noteAccount: (account, { replace } = { replace: false }) =>
      reach(async () => {
        await statements.noteAccount.execute({ account, replace })
        const [row] = await statements.account.execute()
        const noted = row?.account ?? null
        if (noted === null) throw new Error('The database has lost its account.')
        return noted
      }),

    reserve,

    findByKey: (requestedBy, idempotencyKey, since) =>
      reach(async () => {
        const [row] = await statements.findByKey.execute({ requestedBy, idempotencyKey })
        if (row === undefined) return null
        const keyed = readKeyed(row)
        const isForgotten = keyed.upload !== null && keyed.upload.createdAt < since
        return isForgotten ? null : keyed
      }),

    mint: (id, { uid, uploadURL }, at, checkAt) =>
      reach(async () => {
        const [row] = await statements.mint.execute({ id, uid, uploadURL, at, checkAt })
        return row === undefined ? null : readUpload(row)
      }),

    release: (id) => done(() => statements.release.execute({ id })),
    retire: (id) => done(() => statements.retire.execute({ id })),
    dropRetiredBefore: (before) => done(() => statements.dropRetired.execute({ before })),

    unsettled: (before, limit) =>
      reach(async () =>
        (await statements.unsettled.execute({ before, limit })).map(readReservation),
      ),

    knownReferences: (ids) =>
      reach(async () => {
        const rows = await statements.references.execute({ ids })
        return new Map(
          rows.map(({ id, uid, status }) => [id, { uid, retired: status === 'RETIRED' }]),
        )
      }),

    find: (uid) =>
      reach(async () => {
        const [row] = await statements.findByUid.execute({ uid })
        return row === undefined ? null : readUpload(row)
      }),

    findMany: (uids) => reach(() => findMany(uids)),

    historyOf: (ids) =>
      reach(async () => {
        const history = new Map<string, UploadEvent[]>(ids.map((id) => [id, []]))
        for (const { uploadId, status, source, at } of await statements.history.execute({ ids })) {
          history.get(uploadId)?.push({ status, source, at })
        }
        return history
      }),

    list: (selection, stretch) =>
      reach(async () => readUploads(await lists.rows(selection, stretch))),

    count: (selection) =>
      reach(async () => {
        const { creator = EVERYBODY } = selection
        if (!hasTotal(selection)) return lists.count(selection)
        const [row] = await statements.count.execute({ creator, ...kindsOf(selection) })
        return row?.count ?? 0
      }),

    countByStatus: async () => {
      const rows = await reach(countRows)
      return new Map(uploadStatuses.map((status) => [status, rows.get(status) ?? 0]))
    },

    countReservations: async () => (await reach(countRows)).get('RESERVED') ?? 0,

    holdings: (creator) => reach(() => holdingsOf(statements, creator ?? EVERYBODY)),

    advance: (change) =>
      reach(async () => {
        const { upload, event } = change
        const rows = await statements.advance.execute({
          id: upload.id,
          expected: upload.version - 1,
          ...valuesOfChange(change),
          eventStatus: event?.status ?? null,
          eventSource: event?.source ?? null,
          eventAt: event?.at ?? null,
        })
        return rows.length > 0
      }),

    claimDue: (now, limit, until) =>
      reach(async () => {
        const rows = await statements.claimDue.execute({ now, limit, until })
        return rows.flatMap((row) => {
          const upload = readUpload(row)
          return upload === null
            ? []
            : {
                upload,
                idleChecks: row.idleChecks,
                dueAt: row.dueAt,
                missingChecks: row.missingChecks,
              }
        })
      }),

    noteWatched: (uids, now, until, asks) =>
      reach(async () => {
        const wanted = asks ? [TURN_TO_ASK, ...uids] : uids
        const lease = leaseOf(now, until)
        const noted = await statements.noteWatched.execute({ uids: wanted, gateway, ...lease })
        if (!noted.some(({ uid }) => uid === TURN_TO_ASK)) return null
        return (await statements.watched.execute({ now: lease.now })).map(({ uid }) => uid)
      }),

    oldestDue: () =>
      reach(async () => {
        const [row] = await statements.oldestDue.execute()
        return row?.checkAt ?? null
      }),

    reschedule: (checks) =>
      reach(async () => {
        for (const check of checks) {
          await statements.reschedule.execute({ missingChecks: 0, ...check })
        }
      }),

    keepNotice: (uid, body, receivedAt) => {
      const digest = createHash('sha256').update(body).digest('hex')
      return done(() => statements.keepNotice.execute({ uid, digest, body, receivedAt }))
    },

    keptNotices: (uid) =>
      reach(async () => (await statements.keptNotices.execute({ uid })).map(({ body }) => body)),

    dropNotices: (uid) => done(() => statements.dropNotices.execute({ uid })),

    dropNoticesBefore: (before) =>
      reach(async () => (await statements.dropNoticesBefore.execute({ before })).rowCount ?? 0),

    beginSweep: (now, until) =>
      reach(async () => {
        const lease = leaseOf(now, until)
        const [sweep] = await statements.beginSweep.execute({ gateway, ...lease })
        return sweep ?? null
      }),

    endSweep: (sweptUntil) => done(() => statements.endSweep.execute({ gateway, sweptUntil })),

    tidy: (now) => reach(() => tidy(now)),

    // Anybody may probe /readyz: all probes at one time take one connection of the pool.
    ping: () =>
      (pinging ??= done(() => pool.query('select 1')).finally(() => {
        pinging = null
      })),

    close: () => postgres.close(),
  }

  /** Null stands for the server's clock. */
  function leaseOf(now: Date, until: Date) {
    return {
      now: leasesBy === 'server' ? null : now,
      forMs: until.getTime() - now.getTime(),
    }
  }

  /** For what says nothing but that it is done. */
  async function done(work: () => Promise<unknown>): Promise<void> {
    await reach(work)
  }

  async function findMany(uids: readonly string[]): Promise<readonly Upload[]> {
    return uids.length === 0 ? [] : readUploads(await statements.findByUids.execute({ uids }))
  }

  /** How many rows stand in each status, of those in which any stood so far. */
  async function countRows(): Promise<ReadonlyMap<RowStatus, number>> {
    const rows = await statements.countByStatus.execute({ creator: EVERYBODY })
    return new Map(rows.map(({ status, count }) => [status, count]))
  }
}

/** The name by which this database knows its own uploads at Stream; made with the database. */
async function deploymentOf(db: NodePgDatabase): Promise<string> {
  await db
    .insert(deployments)
    .values({ id: randomUUID().slice(0, 8) })
    .onConflictDoNothing()
  const [known] = await db.select({ id: deployments.id }).from(deployments)
  if (known === undefined) throw new Error('The database has lost its name.')
  return known.id
}
