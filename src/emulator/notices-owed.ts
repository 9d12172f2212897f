/** Which notices are still owed, in SQLite: a restart sends what the last run could not. */
import type { EmulatorDatabase } from './database.ts'

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
