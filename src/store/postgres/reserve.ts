/** Writes reservations atomically, so that concurrent requests cannot exceed the quota or reuse a key. */
import { drizzle } from 'drizzle-orm/node-postgres'
import type { PoolClient } from 'pg'
import type { Postgres } from '../../postgres/connection-pool.ts'
import { withTransaction } from '../../postgres/transaction.ts'
import type {
  QuotaUsage,
  IdempotentUpload,
  Reservation,
  ReserveOutcome,
  ReserveOptions,
  UploadStore,
} from '../../uploads/ports/upload-store.ts'
import { readIdempotentUpload } from './read-rows.ts'
import { type Statements, prepareStatements } from './statements.ts'

/** Class id of the per-creator quota locks; any constant unique in this project. */
const QUOTA_LOCK = 720_402

export function createReserve({ pool, run }: Postgres, pooled: Statements): UploadStore['reserve'] {
  /** Statements prepared on single connections, for transactions. */
  const prepared = new WeakMap<PoolClient, Statements>()

  /** Serializes the reservations of one creator across all gateways. */
  function withinQuota(
    reservation: Reservation,
    rules: ReserveOptions,
    quotaSeconds: number,
  ): Promise<ReserveOutcome> {
    return withTransaction(pool, async (client) => {
      const statements = prepared.get(client) ?? prepareStatements(drizzle({ client }))
      prepared.set(client, statements)
      await client.query({
        name: 'headgate_lock_creator',
        text: 'select pg_advisory_xact_lock($1, hashtext($2))',
        values: [QUOTA_LOCK, reservation.creator],
      })
      return reserveWithinQuota(statements, reservation, rules, quotaSeconds)
    })
  }

  return (reservation, rules) =>
    run(() =>
      rules.creatorQuotaSeconds === null
        ? reserve(pooled, reservation, rules)
        : withinQuota(reservation, rules, rules.creatorQuotaSeconds),
    )
}

/** An existing key takes precedence over a full quota. */
async function reserveWithinQuota(
  statements: Statements,
  reservation: Reservation,
  rules: ReserveOptions,
  quotaSeconds: number,
): Promise<ReserveOutcome> {
  const existing = await uploadWithKey(statements, reservation, rules)
  if (existing !== null) return { kind: 'key-in-use', ...existing }
  const { reservedSeconds, storedSeconds } = await quotaUsageOf(statements, reservation.creator)
  const usedSeconds = reservedSeconds + storedSeconds
  if (usedSeconds + reservation.constraints.maxDurationSeconds > quotaSeconds) {
    return { kind: 'over-quota', usedSeconds }
  }
  return reserve(statements, reservation, rules)
}

/** Tries again if the key's holder was released between insert and lookup. */
async function reserve(
  statements: Statements,
  reservation: Reservation,
  rules: ReserveOptions,
): Promise<ReserveOutcome> {
  for (;;) {
    const rows = await statements.reserve.execute(reservationValues(reservation))
    if (rows.length > 0) return { kind: 'reserved' }
    const existing = await uploadWithKey(statements, reservation, rules)
    if (existing !== null) return { kind: 'key-in-use', ...existing }
  }
}

/** Returns null if the key is free, or expired and now cleared. */
async function uploadWithKey(
  statements: Statements,
  { requestedBy, idempotencyKey }: Reservation,
  { keysValidSince }: ReserveOptions,
): Promise<IdempotentUpload | null> {
  if (idempotencyKey === null) return null
  const [row] = await statements.findByKey.execute({ requestedBy, idempotencyKey })
  if (row === undefined) return null
  const existing = readIdempotentUpload(row)
  if (existing.upload === null || existing.upload.createdAt >= keysValidSince) return existing
  await statements.clearKey.execute({ requestedBy, idempotencyKey, before: keysValidSince })
  return null
}

export async function quotaUsageOf(statements: Statements, creator: string): Promise<QuotaUsage> {
  const [row] = await statements.quotaUsage.execute({ creator })
  return row ?? { reservedSeconds: 0, storedSeconds: 0 }
}

/** Values of a reservation; the other columns of its row are constant. */
export function reservationValues({ constraints, ...reservation }: Reservation) {
  return { ...reservation, ...constraints }
}
