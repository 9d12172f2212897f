/** Records the next version of an upload, with its event and its callback, in one round trip. */
import type { CircuitBreaker } from '../../postgres/circuit-breaker.ts'
import type { UploadStore } from '../../uploads/ports/upload-store.ts'
import { updatedValues } from '../updated-columns.ts'
import type { Statements } from './statements.ts'

export function createSaveVersion(
  run: CircuitBreaker,
  statements: Pick<Statements, 'advance' | 'advanceWithCallback'>,
): UploadStore['saveVersion'] {
  return (change) =>
    run(async () => {
      const { upload, event, callback } = change
      const version = {
        id: upload.id,
        expected: upload.version - 1,
        ...updatedValues(change),
        eventStatus: event?.status ?? null,
        eventSource: event?.source ?? null,
        eventAt: event?.at ?? null,
      }
      if (callback === null) return (await statements.advance.execute(version)).length > 0
      const { event: callbackEvent, targets } = callback
      const rows = await statements.advanceWithCallback.execute({
        ...version,
        callbackId: callbackEvent.id,
        callbackType: callbackEvent.type,
        callbackAt: callbackEvent.at,
        callbackBody: callbackEvent.body,
        // Their deliveries are locked in this order, which is the same everywhere.
        targets: targets.toSorted(),
      })
      return rows.length > 0
    })
}
