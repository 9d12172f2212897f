/** Writes reservations atomically, so that concurrent requests cannot exceed the quota or reuse a key. */
import type { UploadStore } from '../../uploads/ports/upload-store.ts'
import { number } from '../sqlite/column-values.ts'
import { readQuotaUsage, readIdempotentUpload } from '../sqlite/read-rows.ts'
import { reservationValues } from '../sqlite/write-rows.ts'
import { type D1Client, type Query, bindQuery } from './d1-client.ts'
import { statements } from './statements.ts'

/**
 * Sends one batch: clear the expired key, write the reservation if allowed, read what prevented it. An
 * existing key takes precedence over a used up token, and that over a full quota.
 */
export function createReserve({ batch }: D1Client): UploadStore['reserve'] {
  return async (reservation, { creatorQuotaSeconds, keysValidSince, tokenLimit }) => {
    const { requestedBy, idempotencyKey, creator } = reservation
    const { tokenId = null, maxUploads = null } = tokenLimit ?? {}
    const insertion = bindQuery(statements.reserve, {
      ...reservationValues(reservation, tokenId),
      quotaSeconds: creatorQuotaSeconds,
      maxUploads,
    })
    const queries: Query[] = [insertion]
    if (idempotencyKey !== null) {
      const key = { requestedBy, idempotencyKey }
      const before = keysValidSince.getTime()
      queries.unshift(bindQuery(statements.clearKey, { ...key, before }))
      queries.push(bindQuery(statements.findByKey, key))
    }
    if (tokenId !== null) queries.push(bindQuery(statements.countByToken, { tokenId }))
    if (creatorQuotaSeconds !== null) {
      queries.push(bindQuery(statements.quotaUsage, { creator }))
    }

    const results = new Map(
      (await batch(queries)).map((rows, index) => [queries[index]?.source, rows[0]]),
    )
    if (results.get(insertion.source) !== undefined) return { kind: 'reserved' }
    const existing = results.get(statements.findByKey.source)
    if (existing !== undefined) return { kind: 'key-in-use', ...readIdempotentUpload(existing) }
    const ofToken = results.get(statements.countByToken.source)?.[0]
    if (maxUploads !== null && ofToken !== undefined && number(ofToken) >= maxUploads) {
      return { kind: 'token-used-up' }
    }
    const { reservedSeconds, storedSeconds } = readQuotaUsage(
      results.get(statements.quotaUsage.source),
    )
    return { kind: 'over-quota', usedSeconds: reservedSeconds + storedSeconds }
  }
}
