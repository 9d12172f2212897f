/** Webhook outbox in SQLite: undelivered webhooks survive a restart. */
import { type EmulatorDatabase, OUTBOX_TABLE } from '../state/database.ts'

export interface OutboxEntry {
  readonly uid: string
  /** Time of the next delivery, on the emulator's clock in milliseconds. */
  readonly dueAt: number
  /** Number of failed deliveries. */
  readonly attempts: number
}

export class WebhookOutbox {
  readonly #database: EmulatorDatabase

  constructor(database: EmulatorDatabase) {
    this.#database = database
  }

  /** Returns all entries, earliest first. */
  all(): OutboxEntry[] {
    return this.#database
      .prepare<[], OutboxEntry>(
        `SELECT uid, due_at AS dueAt, attempts FROM ${OUTBOX_TABLE} ORDER BY due_at, uid`,
      )
      .all()
  }

  /** Returns the entries that are due at `now`, earliest first, at most `limit`. */
  due(now: number, limit: number): OutboxEntry[] {
    return this.#database
      .prepare<[number, number], OutboxEntry>(
        `SELECT uid, due_at AS dueAt, attempts FROM ${OUTBOX_TABLE} WHERE due_at <= ?
         ORDER BY due_at, uid LIMIT ?`,
      )
      .all(now, limit)
  }

  /** Returns the earliest due time after `now`; null without one. */
  nextAfter(now: number): number | null {
    return (
      this.#database
        .prepare<[number], { next: number | null }>(
          `SELECT min(due_at) AS next FROM ${OUTBOX_TABLE} WHERE due_at > ?`,
        )
        .get(now)?.next ?? null
    )
  }

  postpone(uid: string, dueAt: number, attempts: number): void {
    this.#database
      .prepare(`UPDATE ${OUTBOX_TABLE} SET due_at = ?, attempts = ? WHERE uid = ?`)
      .run(dueAt, attempts, uid)
  }

  /** Removes an entry that was delivered, dropped or failed permanently. */
  remove(uid: string): void {
    this.#database.prepare(`DELETE FROM ${OUTBOX_TABLE} WHERE uid = ?`).run(uid)
  }
}
