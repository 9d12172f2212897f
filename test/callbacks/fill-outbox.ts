/** Fills the outbox of a SQLite file with waiting deliveries by SQL. */
import Database from 'better-sqlite3'

/** Rows per transaction: a gateway uses the file at the same time. */
const STEP = 5000

/** Adds deliveries to this target, four for each upload. The bodies are as long as those of uploads. */
export function fillOutbox(file: string, target: string, deliveries: number): void {
  const connection = new Database(file, { timeout: 30_000 })
  const body = JSON.stringify({ type: 'upload.updated', data: { filling: 'x'.repeat(900) } })
  const numbers = `with recursive row(n) as (
    select cast(:first as integer) union all select n + 1 from row where n < :last)`
  const addEvents = connection.prepare(
    `insert into callback_events (id, upload_id, version, type, at, body) ${numbers}
      select 'event-' || n, 'upload-' || (n / 4), 1 + n % 4, 'upload.updated', 1700000000000 + n, :body from row`,
  )
  const addDeliveries = connection.prepare(
    `insert into callback_deliveries (upload_id, target, version, event_id, at, state, attempts, due_at) ${numbers}
      select 'upload-' || (n / 4), :target, 1 + n % 4, 'event-' || n, 1700000000000 + n, 'waiting', 0,
        iif(n % 4 = 0, 1700000000000 + n, null) from row`,
  )
  const fill = connection.transaction((first: number, last: number) => {
    addEvents.run({ first, last, body })
    addDeliveries.run({ first, last, target })
  })
  for (let first = 0; first < deliveries; first += STEP) {
    fill.immediate(first, Math.min(first + STEP, deliveries) - 1)
  }
  connection.close()
}
