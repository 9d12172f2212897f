/** Which notices are still owed, in SQLite: a restart sends what the last run could not. */
import type { EmulatorDatabase } from '../state/database.ts'

export interface OwedNotice {
  readonly uid: string
  /** When it is to be sent (again), on the emulator's clock in milliseconds. */
  readonly dueAt: number
  /** How often it was tried without success. */
  readonly attempts: number
}

export class NoticesOwed {
  readonly #database: EmulatorDatabase

  constructor(database: EmulatorDatabase) {
    this.#database = database
  }

  /** Soonest first. */
  all(): OwedNotice[] {
    return this.#database
      .prepare<[], OwedNotice>(
        'SELECT uid, due_at AS dueAt, attempts FROM notices ORDER BY due_at, uid',
      )
      .all()
  }

  /** To be sent by now, soonest first. */
  due(now: number): OwedNotice[] {
    return this.#database
      .prepare<[number], OwedNotice>(
        `SELECT uid, due_at AS dueAt, attempts FROM notices WHERE due_at <= ?
         ORDER BY due_at, uid`,
      )
      .all(now)
  }

  /** When the first of those that are not due yet will be; null where there is none. */
  nextAfter(now: number): number | null {
    return (
      this.#database
        .prepare<[number], { next: number | null }>(
          'SELECT min(due_at) AS next FROM notices WHERE due_at > ?',
        )
        .get(now)?.next ?? null
    )
  }

  postpone(uid: string, dueAt: number, attempts: number): void {
    this.#database
      .prepare('UPDATE notices SET due_at = ?, attempts = ? WHERE uid = ?')
      .run(dueAt, attempts, uid)
  }

  /** Delivered, dropped or given up. */
  settle(uid: string): void {
    this.#database.prepare('DELETE FROM notices WHERE uid = ?').run(uid)
  }
}
