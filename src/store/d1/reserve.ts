/** Writes reservations down, so that races pass neither the key nor the quota. */
import type { UploadStore } from '../../uploads/ports/upload-store.ts'
import { readHoldings, readKeyed } from '../sqlite/read-rows.ts'
import { valuesOfReservation } from '../sqlite/write-rows.ts'
import { type Asking, type Question, questionOf } from './d1-client.ts'
import { statements } from './statements.ts'

/**
 * All is asked for together: the old key is forgotten, the reservation is written if it may be, and
 * what stood in its way is read. Whoever has its key already gets that, however full the quota.
 */
export function createReserve({ together }: Asking): UploadStore['reserve'] {
  return async (reservation, { creatorQuotaSeconds, forgetKeysBefore }) => {
    const { requestedBy, idempotencyKey, creator } = reservation
    const writing = questionOf(statements.reserve, {
      ...valuesOfReservation(reservation),
      quotaSeconds: creatorQuotaSeconds,
    })
    const questions: Question[] = [writing]
    if (idempotencyKey !== null) {
      const key = { requestedBy, idempotencyKey }
      const before = forgetKeysBefore.getTime()
      questions.unshift(questionOf(statements.forgetKey, { ...key, before }))
      questions.push(questionOf(statements.findByKey, key))
    }
    if (creatorQuotaSeconds !== null) {
      questions.push(questionOf(statements.holdings, { creator }))
    }

    const answers = new Map(
      (await together(questions)).map((rows, place) => [questions[place]?.source, rows[0]]),
    )
    if (answers.get(writing.source) !== undefined) return { kind: 'reserved' }
    const keyed = answers.get(statements.findByKey.source)
    if (keyed !== undefined) return { kind: 'taken', ...readKeyed(keyed) }
    const { reservedSeconds, storedSeconds } = readHoldings(answers.get(statements.holdings.source))
    return { kind: 'over-quota', heldSeconds: reservedSeconds + storedSeconds }
  }
}
