/** `UploadStore` adapter for PostgreSQL, shared by several gateways. */
import { createHash, randomUUID } from 'node:crypto'
import { type NodePgDatabase, drizzle } from 'drizzle-orm/node-postgres'
import { type Upload, type UploadEvent, uploadStatuses } from '../../uploads/upload.ts'
import { batchCalls } from '../../postgres/batch-calls.ts'
import type { Postgres } from '../../postgres/connection-pool.ts'
import { replaceNul } from '../../postgres/replace-nul.ts'
import type { RowStatus } from '../row-status.ts'
import type { CreationStore } from '../../uploads/ports/creation-store.ts'
import {
  type IdempotentUpload,
  type UploadStore,
  hasTotal,
} from '../../uploads/ports/upload-store.ts'
import { createCallbackCleanup } from '../callback-cleanup.ts'
import { kindsOf } from '../list-query.ts'
import { encodeRow, encodeRows } from './json-rows.ts'
import { createPostgresCallbackStore } from './callback-store.ts'
import { prepareListStatements } from './list-statements.ts'
import { migratePostgres } from './migrate.ts'
import { readDue, readIdempotentUpload, readReservation, readUploads } from './read-rows.ts'
import { createRecord } from './record.ts'
import { createSaveVersion } from './save-version.ts'
import { createReserve } from './reserve.ts'
import { prepareStatements, scheduleColumns } from './statements.ts'
import { ALL_CREATORS, POLL_LEADER, deployments } from './tables.ts'
import { createMaintenance } from './maintenance.ts'
import { createWriteProbe } from './write-probe.ts'

/** Its creations are written in batches, together with their rate limits. */
export type PostgresStore = UploadStore & CreationStore

/**
 * Migrates the database, and opens it as a store. Closing the store closes the connection pool.
 * @param timeSource clock that decides about leases and rate limits: the server's or, for tests, the caller's
 */
export async function createPostgresStore(
  postgres: Postgres,
  timeSource: 'server' | 'caller' = 'server',
): Promise<PostgresStore> {
  await migratePostgres(postgres)
  const { pool, run } = postgres
  const db = drizzle({ client: pool })
  const statements = prepareStatements(db)
  const lists = prepareListStatements(db)
  const reserve = createReserve(run, statements, findByKey, timeSource)
  const record = createRecord(run, statements)
  // Statements admit the calls of one rate limit in their order.
  const creations: CreationStore = { admit: reserve, record, inOrder: () => creations }
  const find = batchCalls(async (uids: readonly string[]) => {
    const found = new Map((await run(() => findMany(uids))).map((upload) => [upload.uid, upload]))
    return uids.map((uid) => found.get(replaceNul(uid)) ?? null)
  })
  const callbacks = createPostgresCallbackStore(db, run, timeSource)
  const cleanUpCallbacks = createCallbackCleanup(callbacks)
  const maintain = createMaintenance(db, statements, callbacks)
  const probe = createWriteProbe(postgres, statements)
  /** Identifies this gateway's leases. */
  const gateway = randomUUID()
  let pinging: Promise<void> | null = null

  return {
    deployment: await run(() => deploymentOf(db)),
    isShared: true,
    callbacks,

    recordAccount: (account, { replace } = { replace: false }) =>
      run(async () => {
        await statements.recordAccount.execute({ account, replace })
        const [row] = await statements.account.execute()
        const stored = row?.account ?? null
        if (stored === null) throw new Error('The account is missing from the database.')
        return stored
      }),

    ...creations,

    async reserve(reservation, rules) {
      const outcome = await reserve(reservation, { ...rules, rateLimit: null })
      if (outcome.kind === 'rate-limited')
        throw new Error('A reservation without a limit is limited.')
      return outcome
    },

    findByKey,

    mint: async (...args) => (await record(...args))?.upload ?? null,

    release: (id) => done(() => statements.release.execute({ id })),
    retire: (id) => done(() => statements.retire.execute({ id })),
    deleteRetiredBefore: (before) => done(() => statements.deleteRetired.execute({ before })),

    pendingReservations: (before, limit) =>
      run(async () =>
        (await statements.pendingReservations.execute({ before, limit })).map(readReservation),
      ),

    findReferences: (ids) =>
      run(async () => {
        const rows = await statements.references.execute({ ids })
        return new Map(
          rows.map(({ id, uid, status }) => [id, { uid, retired: status === 'RETIRED' }]),
        )
      }),

    find,

    findMany: (uids) => run(() => findMany(uids)),

    historyOf: (ids) =>
      run(async () => {
        const history = new Map<string, UploadEvent[]>(ids.map((id) => [id, []]))
        for (const { uploadId, status, source, at } of await statements.history.execute({ ids })) {
          history.get(uploadId)?.push({ status, source, at })
        }
        return history
      }),

    list: (filter, range) => run(async () => readUploads(await lists.rows(filter, range))),

    count: (filter) =>
      run(async () => {
        const { creator = ALL_CREATORS } = filter
        if (!hasTotal(filter)) return lists.count(filter)
        const [row] = await statements.count.execute({ creator, ...kindsOf(filter) })
        return row?.count ?? 0
      }),

    countByStatus: async () => {
      const rows = await run(countRows)
      return new Map(uploadStatuses.map((status) => [status, rows.get(status) ?? 0]))
    },

    countReservations: async () => (await run(countRows)).get('RESERVED') ?? 0,

    countByToken: (tokenId) =>
      run(async () => {
        const [row] = await statements.countByToken.execute({ tokenId })
        return row?.count ?? 0
      }),

    quotaUsage: (creator) =>
      run(async () => {
        const [row] = await statements.quotaUsage.execute({ creator: creator ?? ALL_CREATORS })
        return row ?? { reservedSeconds: 0, storedSeconds: 0 }
      }),

    saveVersion: createSaveVersion(run, statements),

    acquireChangeLease: (uid, now, until) =>
      run(async () => {
        const lease = leaseOf(now, until)
        const [acquired] = await statements.acquireChangeLease.execute({ uid, ...lease })
        return acquired?.until ?? null
      }),

    releaseChangeLease: (uid, until) =>
      done(() => statements.releaseChangeLease.execute({ uid, until })),

    findDue: (now, limit) =>
      run(async () => {
        const rows = await statements.due.execute({ now, limit })
        return rows.flatMap((row) => readDue(row) ?? [])
      }),

    renewWatchLeases: (uids, now, until, acquireLease) =>
      run(async () => {
        const leaseNames = acquireLease ? [POLL_LEADER, ...uids] : uids
        const lease = leaseOf(now, until)
        const watches = await statements.renewWatchLeases.execute({
          uids: leaseNames,
          gateway,
          ...lease,
        })
        if (!watches.some(({ uid }) => uid === POLL_LEADER)) return null
        return (await statements.watched.execute({ now: lease.now })).map(({ uid }) => uid)
      }),

    oldestDuePoll: () =>
      run(async () => {
        const [row] = await statements.oldestDuePoll.execute()
        return row?.checkAt ?? null
      }),

    reschedulePolls: (polls) =>
      run(async () => {
        if (polls.length === 0) return
        const rows = polls.map(({ uid, version, pollAt, idlePolls, missingPolls = 0 }) =>
          encodeRow(scheduleColumns, {
            uid,
            version,
            checkAt: pollAt,
            idleChecks: idlePolls,
            missingChecks: missingPolls,
          }),
        )
        await statements.reschedule.execute(encodeRows(rows))
      }),

    saveUnmatchedWebhook: (uid, body, receivedAt) => {
      const digest = createHash('sha256').update(body).digest('hex')
      return done(() => statements.saveUnmatchedWebhook.execute({ uid, digest, body, receivedAt }))
    },

    unmatchedWebhooks: (uid) =>
      run(async () =>
        (await statements.unmatchedWebhooks.execute({ uid })).map(({ body }) => body),
      ),

    deleteUnmatchedWebhooks: (uid) =>
      done(() => statements.deleteUnmatchedWebhooks.execute({ uid })),

    deleteUnmatchedWebhooksBefore: (before) =>
      run(
        async () =>
          (await statements.deleteUnmatchedWebhooksBefore.execute({ before })).rowCount ?? 0,
      ),

    acquireSweepLease: (now, until) =>
      run(async () => {
        const lease = leaseOf(now, until)
        const [sweep] = await statements.acquireSweepLease.execute({ gateway, ...lease })
        return sweep ?? null
      }),

    releaseSweepLease: (sweptUntil) =>
      done(() => statements.releaseSweepLease.execute({ gateway, sweptUntil })),

    runMaintenance: async (now) => {
      await run(() => maintain(now))
      await cleanUpCallbacks(now)
    },

    // `/readyz` is public: all concurrent probes share one connection of the pool.
    ping: () =>
      (pinging ??= probe().finally(() => {
        pinging = null
      })),

    close: () => postgres.close(),
  }

  /** `now: null` selects the server's clock. */
  function leaseOf(now: Date, until: Date) {
    return {
      now: timeSource === 'server' ? null : now,
      forMs: until.getTime() - now.getTime(),
    }
  }

  function findByKey(
    requestedBy: string,
    idempotencyKey: string,
    since: Date,
  ): Promise<IdempotentUpload | null> {
    return run(async () => {
      const [row] = await statements.findByKey.execute({ requestedBy, idempotencyKey })
      if (row === undefined) return null
      const keyed = readIdempotentUpload(row)
      const isExpired = keyed.upload !== null && keyed.upload.createdAt < since
      return isExpired ? null : keyed
    })
  }

  /** Executes a statement without a result. */
  async function done(work: () => Promise<unknown>): Promise<void> {
    await run(work)
  }

  async function findMany(uids: readonly string[]): Promise<readonly Upload[]> {
    if (uids.length === 0) return []
    const once = [...new Set(uids.map(replaceNul))]
    return readUploads(await statements.findByUids.execute({ uids: once }))
  }

  /** Returns row counts by status, only for statuses that occurred. */
  async function countRows(): Promise<ReadonlyMap<RowStatus, number>> {
    const rows = await statements.countByStatus.execute({ creator: ALL_CREATORS })
    return new Map(rows.map(({ status, count }) => [status, count]))
  }
}

/** Returns the deployment id, which marks this database's uploads at Stream; created on first use. */
async function deploymentOf(db: NodePgDatabase): Promise<string> {
  await db
    .insert(deployments)
    .values({ id: randomUUID().slice(0, 8) })
    .onConflictDoNothing()
  const [known] = await db.select({ id: deployments.id }).from(deployments)
  if (known === undefined) throw new Error('The deployment id is missing from the database.')
  return known.id
}
