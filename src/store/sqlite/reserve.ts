/** Writes a reservation, unless its key is in use, its token is used up, or it exceeds the quota. */
import type {
  Reservation,
  ReserveOptions,
  ReserveOutcome,
} from '../../uploads/ports/upload-store.ts'
import { number } from './column-values.ts'
import type { Prepared } from './prepared-statements.ts'
import { readIdempotentUpload, readQuotaUsage } from './read-rows.ts'
import type { defineStatements } from './statements.ts'
import { reservationValues } from './write-rows.ts'

/** Must run within a write transaction. */
export function reserve(
  statements: Prepared<ReturnType<typeof defineStatements>>,
  reservation: Reservation,
  rules: ReserveOptions,
): ReserveOutcome {
  const { requestedBy, idempotencyKey, creator } = reservation
  if (idempotencyKey !== null) {
    const before = rules.keysValidSince.getTime()
    statements.clearKey.run({ requestedBy, idempotencyKey, before })
    const row = statements.findByKey.get({ requestedBy, idempotencyKey })
    if (row !== undefined) return { kind: 'key-in-use', ...readIdempotentUpload(row) }
  }
  const { tokenId = null, maxUploads = 0 } = rules.tokenLimit ?? {}
  if (tokenId !== null && number(statements.countByToken.get({ tokenId })) >= maxUploads) {
    return { kind: 'token-used-up' }
  }
  if (rules.creatorQuotaSeconds !== null) {
    const usage = readQuotaUsage(statements.quotaUsage.get({ creator }))
    const usedSeconds = usage.reservedSeconds + usage.storedSeconds
    const totalSeconds = usedSeconds + reservation.constraints.maxDurationSeconds
    if (totalSeconds > rules.creatorQuotaSeconds) return { kind: 'over-quota', usedSeconds }
  }
  statements.reserve.run(reservationValues(reservation, tokenId))
  return { kind: 'reserved' }
}
