/** Writes reservations down, so that races pass neither the key nor the quota. */
import { drizzle } from 'drizzle-orm/node-postgres'
import type { PoolClient } from 'pg'
import type { Postgres } from '../../postgres/connection-pool.ts'
import type {
  Holdings,
  KeyedUpload,
  Reservation,
  ReserveOutcome,
  ReserveRules,
  UploadStore,
} from '../../uploads/ports/upload-store.ts'
import { readKeyed } from './read-rows.ts'
import { type Statements, prepareStatements } from './statements.ts'
import { valuesOfReservation } from './write-rows.ts'

/** Names the locks of creators whose quota is looked at; a number of our own. */
const QUOTA_LOCK = 720_402

/** A connection that breaks between two statements fails the next; unheard, it would end the process. */
function toldByTheNext(): void {}

export function createReserve(
  { pool, reach }: Postgres,
  pooled: Statements,
): UploadStore['reserve'] {
  /** Prepared once for each connection that was ever needed for a transaction. */
  const prepared = new WeakMap<PoolClient, Statements>()

  /** One creator's reservations are made one after the other, by whichever gateway. */
  async function withinQuota(
    reservation: Reservation,
    rules: ReserveRules,
    quotaSeconds: number,
  ): Promise<ReserveOutcome> {
    const client = await pool.connect()
    client.on('error', toldByTheNext)
    let failure: Error | undefined
    try {
      const statements = prepared.get(client) ?? prepareStatements(drizzle({ client }))
      prepared.set(client, statements)
      await client.query('begin isolation level read committed')
      await client.query({
        name: 'headgate_lock_creator',
        text: 'select pg_advisory_xact_lock($1, hashtext($2))',
        values: [QUOTA_LOCK, reservation.creator],
      })
      const outcome = await reserveOrRefuse(statements, reservation, rules, quotaSeconds)
      await client.query('commit')
      return outcome
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error))
      throw error
    } finally {
      client.off('error', toldByTheNext)
      // One that failed is closed, and with it its transaction is over.
      client.release(failure)
    }
  }

  return (reservation, rules) =>
    reach(() =>
      rules.creatorQuotaSeconds === null
        ? reserve(pooled, reservation, rules)
        : withinQuota(reservation, rules, rules.creatorQuotaSeconds),
    )
}

/** Whoever has its key already gets that, however full the quota. */
async function reserveOrRefuse(
  statements: Statements,
  reservation: Reservation,
  rules: ReserveRules,
  quotaSeconds: number,
): Promise<ReserveOutcome> {
  const taken = await takenBy(statements, reservation, rules)
  if (taken !== null) return { kind: 'taken', ...taken }
  const { reservedSeconds, storedSeconds } = await holdingsOf(statements, reservation.creator)
  const heldSeconds = reservedSeconds + storedSeconds
  if (heldSeconds + reservation.constraints.maxDurationSeconds > quotaSeconds) {
    return { kind: 'over-quota', heldSeconds }
  }
  return reserve(statements, reservation, rules)
}

/** Again, where what had the key was given up between the two looks at it. */
async function reserve(
  statements: Statements,
  reservation: Reservation,
  rules: ReserveRules,
): Promise<ReserveOutcome> {
  for (;;) {
    const rows = await statements.reserve.execute(valuesOfReservation(reservation))
    if (rows.length > 0) return { kind: 'reserved' }
    const taken = await takenBy(statements, reservation, rules)
    if (taken !== null) return { kind: 'taken', ...taken }
  }
}

/** Null where the key is free, or was just forgotten. */
async function takenBy(
  statements: Statements,
  { requestedBy, idempotencyKey }: Reservation,
  { forgetKeysBefore }: ReserveRules,
): Promise<KeyedUpload | null> {
  if (idempotencyKey === null) return null
  const [row] = await statements.findByKey.execute({ requestedBy, idempotencyKey })
  if (row === undefined) return null
  const taken = readKeyed(row)
  if (taken.upload === null || taken.upload.createdAt >= forgetKeysBefore) return taken
  await statements.forgetKey.execute({ requestedBy, idempotencyKey, before: forgetKeysBefore })
  return null
}

export async function holdingsOf(statements: Statements, creator: string): Promise<Holdings> {
  const [row] = await statements.holdings.execute({ creator })
  return row ?? { reservedSeconds: 0, storedSeconds: 0 }
}
