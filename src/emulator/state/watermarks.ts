/** The account's watermark profiles, in SQLite. The images are not stored, because no video shows them. */
import type { EmulatorDatabase } from './database.ts'
import { watermarkSchema, type Watermark } from './watermark.ts'

interface WatermarkRow {
  readonly uid: string
  readonly created_us: number
  readonly profile: string
}

export class Watermarks {
  readonly #statements

  constructor(database: EmulatorDatabase) {
    this.#statements = prepareStatements(database)
  }

  /**
   * Inserts a profile. Its creation time is unique: as passed, or one microsecond after the last. Returns null if the
   * account has `limit` profiles.
   */
  insert(watermark: Watermark, limit: number): Watermark | null {
    const { count, last } = this.#statements.summary()
    if (count >= limit) return null
    const created = Math.max(watermark.createdMicroseconds, last + 1)
    const unique = { ...watermark, createdMicroseconds: created }
    this.#statements.insert({
      uid: unique.uid,
      created_us: created,
      profile: JSON.stringify(unique),
    })
    return unique
  }

  /** Returns null when the account has no such profile. */
  find(uid: string): Watermark | null {
    const row = this.#statements.find(uid)
    return row === undefined ? null : readProfile(row)
  }

  /** Returns all profiles, newest first. */
  list(): Watermark[] {
    return this.#statements.list().map(readProfile)
  }

  /** Returns false when the account has no such profile. Videos keep the profile. */
  remove(uid: string): boolean {
    return this.#statements.remove(uid)
  }

  removeAll(): void {
    this.#statements.removeAll()
  }
}

function readProfile({ profile }: WatermarkRow): Watermark {
  return watermarkSchema.parse(JSON.parse(profile))
}

function prepareStatements(database: EmulatorDatabase) {
  const insert = database.prepare<[WatermarkRow]>(
    'INSERT INTO watermarks (uid, created_us, profile) VALUES (@uid, @created_us, @profile)',
  )
  const summary = database.prepare<[], { count: number; last: number | null }>(
    'SELECT count(*) AS count, max(created_us) AS last FROM watermarks',
  )
  const find = database.prepare<[string], WatermarkRow>('SELECT * FROM watermarks WHERE uid = ?')
  const list = database.prepare<[], WatermarkRow>(
    'SELECT * FROM watermarks ORDER BY created_us DESC',
  )
  const remove = database.prepare<[string]>('DELETE FROM watermarks WHERE uid = ?')
  const removeAll = database.prepare<[]>('DELETE FROM watermarks')
  return {
    insert: (row: WatermarkRow) => insert.run(row).changes,
    summary: () => {
      const row = summary.get()
      return { count: row?.count ?? 0, last: row?.last ?? 0 }
    },
    find: (uid: string) => find.get(uid),
    list: () => list.all(),
    remove: (uid: string) => remove.run(uid).changes === 1,
    removeAll: () => removeAll.run().changes,
  }
}
