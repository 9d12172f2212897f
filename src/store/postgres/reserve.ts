/**
 * Writes reservations. Concurrent ones share a statement, which checks their keys, rate limits, tokens and quotas too, so
 * that no request exceeds a limit or reuses a key.
 */
import { batchCalls } from '../../postgres/batch-calls.ts'
import type { CircuitBreaker } from '../../postgres/circuit-breaker.ts'
import { toWindowArrays } from '../../postgres/rate-windows.ts'
import { replaceNul } from '../../postgres/replace-nul.ts'
import type { AdmitOutcome, RateLimit } from '../../uploads/ports/creation-store.ts'
import type { Reservation, ReserveOptions, UploadStore } from '../../uploads/ports/upload-store.ts'
import { encodeRow, encodeRows } from './json-rows.ts'
import { reservedColumns } from './reserve-statement.ts'
import type { Statements } from './statements.ts'

interface Item {
  readonly id: string
  /** The row and its rules, by their names in the database. */
  readonly row: object
  /** Key of the rate limit, and name of the token, if they are limited. */
  readonly lockNames: readonly string[]
  /** Null without a quota. */
  readonly creator: string | null
}

/** Rules of a reservation. */
export interface Rules extends ReserveOptions {
  readonly rateLimit: RateLimit | null
}

/** @param timeSource clock of the rate limits: the server's, or `createdAt` of the reservation */
export function createReserve(
  run: CircuitBreaker,
  statements: Statements,
  findByKey: UploadStore['findByKey'],
  timeSource: 'server' | 'caller',
): (reservation: Reservation, rules: Rules) => Promise<AdmitOutcome> {
  const decide = batchCalls((items: readonly Item[]) =>
    run(async () => {
      const rows = await statements.reserve.execute({
        ...encodeRows(items.map(({ row }) => row)),
        lockNames: sortedOnce(items.flatMap(({ lockNames }) => lockNames)),
        creators: sortedOnce(items.flatMap(({ creator }) => creator ?? [])),
      })
      const decided = new Map(rows.map((row) => [row.id, row]))
      return items.map(({ id }) => {
        const row = decided.get(id)
        if (row === undefined) throw new Error('PostgreSQL decided nothing about a reservation.')
        return row
      })
    }),
  )

  /** Tries again if the key's holder was released between the two statements. */
  return async (reservation, rules) => {
    const item = encodeItem(reservation, rules, timeSource)
    const { requestedBy, idempotencyKey } = reservation
    for (;;) {
      const { outcome, amount } = await decide(item)
      if (outcome === 'reserved') return { kind: 'reserved' }
      if (outcome === 'rate-limited') return { kind: 'rate-limited', retryAfterSeconds: amount }
      if (outcome === 'token-used-up') return { kind: 'token-used-up' }
      if (outcome === 'over-quota') return { kind: 'over-quota', usedSeconds: amount }
      if (idempotencyKey === null) throw new Error('A reservation without a key is in use.')
      const holder = await findByKey(requestedBy, idempotencyKey, rules.keysValidSince)
      if (holder !== null) return { kind: 'key-in-use', ...holder }
    }
  }
}

/** Values of a reservation by column; the other columns of its row are constant. */
export function reservationValues(
  { constraints, ...reservation }: Reservation,
  tokenId: string | null = null,
) {
  return { ...reservation, ...constraints, tokenId }
}

/** Returns the row of the reservation, with its rules. */
function encodeItem(
  reservation: Reservation,
  { creatorQuotaSeconds, keysValidSince, rateLimit, tokenLimit }: Rules,
  timeSource: 'server' | 'caller',
): Item {
  const { limits, windows, stepMs } = toWindowArrays(rateLimit?.windows ?? [])
  const rateKey = rateLimit === null ? null : replaceNul(rateLimit.key)
  const { tokenId = null, maxUploads = null } = tokenLimit ?? {}
  const row = {
    ...encodeRow(reservedColumns, reservationValues(reservation, tokenId)),
    keys_valid_since: keysValidSince,
    quota_seconds: creatorQuotaSeconds,
    max_uploads: maxUploads,
    rate_key: rateKey,
    limits,
    windows,
    step_ms: stepMs,
    now_ms: timeSource === 'caller' ? reservation.createdAt.getTime() : null,
  }
  const creator = creatorQuotaSeconds === null ? null : reservation.creator
  const lockNames = [rateKey, tokenId === null ? null : `token:${tokenId}`].filter(
    (name) => name !== null,
  )
  return { id: reservation.id, row, lockNames, creator }
}

/** Locks are taken in this order, which is the same at every gateway. */
function sortedOnce(names: readonly string[]): readonly string[] {
  return [...new Set(names)].toSorted()
}
