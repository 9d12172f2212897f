/** Migrates a file of the previous version in place, while that version keeps using it. */
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import { afterAll, expect, test } from 'vitest'
import { z } from 'zod'
import { openSqlite } from '../../src/store/sqlite/database.ts'
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import { uploadProtocols, uploadStatuses } from '../../src/uploads/upload.ts'
import { uploadOf } from '../kit/samples.ts'
import { summedTotals, storedTotals } from './expected-totals.ts'

const folder = mkdtempSync(join(tmpdir(), 'headgate-migrations-'))
afterAll(() => rm(folder, { recursive: true, force: true }))

const migrationsFolder = fileURLToPath(new URL('../../migrations/sqlite', import.meta.url))
const migrations = readMigrationFiles({ migrationsFolder })

/** Creates a file with the first migration only. */
function firstVersion(name: string): { file: string; connection: Database.Database } {
  const file = join(folder, name)
  const connection = new Database(file)
  connection.pragma('journal_mode = WAL')
  connection.exec(
    'create table __drizzle_migrations (id serial primary key, hash text not null, created_at numeric)',
  )
  for (const { sql, hash, folderMillis } of migrations.slice(0, 1)) {
    for (const statement of sql) connection.exec(statement)
    connection
      .prepare('insert into __drizzle_migrations values (null, ?, ?)')
      .run(hash, folderMillis)
  }
  connection.exec("insert into deployments values ('deployed')")
  return { file, connection }
}

/** Adds rows as the first version wrote them: pending and retired reservations, and uploads. */
function fill(connection: Database.Database, prefix: string, count: number): void {
  // The first version inserts into its own 41 columns by name.
  const names = connection
    .prepare<[], string>(
      "select group_concat(name) from pragma_table_info('uploads') where cid < 41",
    )
    .pluck()
    .get()
  const insert = connection.prepare(
    `insert into uploads (${names}) values (:id, :protocol, :creator, null, '{}', 600, 200000000, '[]', 0, null,
       1772368200123, :createdAt, :creator, null, 'fingerprint', :uid, :uploadURL, :status, 1,
       :createdAt, null, null, null, null, null, 0, null, null, null, null, null, null, null, null,
       null, null, null, :reserved, :stored, null, 0)`,
  )
  const statuses = ['RESERVED', 'RETIRED', ...uploadStatuses]
  for (let index = 0; index < count; index += 1) {
    const status = statuses[index % statuses.length]
    const isMinted = index % statuses.length > 1
    insert.run({
      id: `${prefix}-${index}`,
      protocol: uploadProtocols[index % 3 === 0 ? 0 : 1],
      creator: ['alice', 'bob', 'carol'][index % 3],
      createdAt: 1_772_366_400_123 + index,
      uid: isMinted ? `uid-${prefix}-${index}` : null,
      uploadURL: isMinted ? `https://upload.example.com/${prefix}-${index}` : null,
      status,
      reserved: status === 'READY' ? 0 : index,
      stored: status === 'READY' ? index : 0,
    })
  }
}

test('totals the existing rows once and keeps their values', async () => {
  const { file, connection } = firstVersion('filled.db')
  fill(connection, 'old', 120)
  connection.close()

  const { applied, connection: migrated } = openSqlite(file)
  expect(applied).toBe(migrations.length - 1)
  expect(storedTotals(migrated)).toEqual(summedTotals(migrated))
  expect(storedTotals(migrated).length).toBeGreaterThan(30)
  migrated.close()

  const store = createSqliteStore(file)
  expect(store.deployment).toBe('deployed')
  expect(await store.count({})).toBe(96)
  expect(await store.countReservations()).toBe(12)
  expect(await store.find('uid-old-2')).toEqual(
    uploadOf({
      id: 'old-2',
      uid: 'uid-old-2',
      uploadURL: 'https://upload.example.com/old-2',
      protocol: 'TUS',
      creator: 'carol',
      expiresAt: new Date(1_772_368_200_123),
      createdAt: new Date(1_772_366_400_125),
      updatedAt: new Date(1_772_366_400_125),
    }),
  )
  await store.close()
})

test('creates empty totals for an empty file', () => {
  const { file, connection } = firstVersion('empty.db')
  connection.close()
  const migrated = openSqlite(file).connection
  expect(storedTotals(migrated)).toEqual([])
  migrated.close()
})

test('keeps the totals correct while the previous version writes to the file', async () => {
  const { file, connection } = firstVersion('rolling.db')
  fill(connection, 'old', 40)
  const store = createSqliteStore(file)
  // Statements of the previous version: rows, a change, a release, and a creator's sum.
  fill(connection, 'meanwhile', 40)
  connection.exec("update uploads set status = 'RETIRED', reserved_seconds = 0 where id = 'old-0'")
  connection.exec("update uploads set status = 'DELETED', stored_seconds = 0 where id = 'old-18'")
  connection.exec("delete from uploads where id = 'old-10' and status = 'RESERVED'")
  const usage = z.object({ reservedSeconds: z.number(), storedSeconds: z.number() }).parse(
    connection
      .prepare(
        `select coalesce(sum(reserved_seconds), 0) reservedSeconds,
           coalesce(sum(stored_seconds), 0) storedSeconds from uploads where creator = 'alice'`,
      )
      .get(),
  )
  expect(await store.quotaUsage('alice')).toEqual(usage)
  expect(storedTotals(connection)).toEqual(summedTotals(connection))
  connection.close()
  await store.close()
})
