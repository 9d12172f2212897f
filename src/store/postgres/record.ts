/** Turns reservations into uploads. Concurrent ones share a statement. */
import { batchCalls } from '../../postgres/batch-calls.ts'
import type { CircuitBreaker } from '../../postgres/circuit-breaker.ts'
import type { CreationStore, RecordedUpload } from '../../uploads/ports/creation-store.ts'
import { encodeRow, encodeRows } from './json-rows.ts'
import { readUpload } from './read-rows.ts'
import type { Statements } from './statements.ts'
import { mintedColumns } from './version-statements.ts'

interface Item {
  readonly id: string
  /** Values by the names of their columns in the database. */
  readonly row: Readonly<Record<string, unknown>>
  /** Targets of the callback; empty without one. */
  readonly targets: readonly string[]
}

export function createRecord(run: CircuitBreaker, statements: Statements): CreationStore['record'] {
  const record = batchCalls((items: readonly Item[]) =>
    run(async () => {
      const encoded = {
        ...encodeRows(items.map(({ row }) => row)),
        uids: items.map(({ row }) => row['uid']),
      }
      // Equal for all callbacks of a gateway.
      const targets = items.find((item) => item.targets.length > 0)?.targets
      const rows =
        targets === undefined
          ? await statements.mint.execute(encoded)
          : await statements.mintWithCallbacks.execute({ ...encoded, targets })
      const recorded = new Map(rows.map((row) => [row.id, row]))
      return items.map((item): RecordedUpload | null => {
        const row = recorded.get(item.id)
        if (row === undefined || row.uid !== item.row['uid']) return null
        // Of two items with one id, only one was recorded.
        recorded.delete(item.id)
        const upload = readUpload(row)
        return upload === null ? null : { upload, webhooks: row.webhooks ?? [] }
      })
    }),
  )
  return ({ id }, { uid, uploadURL }, at, pollAt, callback = null) => {
    const values = { id, uid, uploadURL, updatedAt: at, checkAt: pollAt }
    const row = encodeRow(mintedColumns, values)
    if (callback === null) return record({ id, row, targets: [] })
    const { event, targets } = callback
    return record({
      id,
      row: { ...row, callback_id: event.id, callback_type: event.type, callback_body: event.body },
      targets,
    })
  }
}
