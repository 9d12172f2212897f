/** The stored totals equal sums over all rows after any writes. */
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import * as fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import type { UploadStore } from '../../src/uploads/ports/upload-store.ts'
import { uploadProtocols, uploadStatuses } from '../../src/uploads/upload.ts'
import { creators, operations } from './store-operations.ts'
import { summedTotals, storedTotals } from './expected-totals.ts'

const folder = mkdtempSync(join(tmpdir(), 'headgate-totals-'))
afterAll(() => rm(folder, { recursive: true, force: true }))

test('equal the sums after any writes through the port', async () => {
  let files = 0
  await fc.assert(
    fc.asyncProperty(operations, async (all) => {
      files += 1
      const file = join(folder, `${files}.db`)
      const store = createSqliteStore(file)
      const reader = new Database(file, { readonly: true })
      for (const { perform } of all) {
        // An unexpected error, such as a duplicate id, must leave no change either.
        await perform(store).catch(() => undefined)
      }
      expect(storedTotals(reader)).toEqual(summedTotals(reader))
      await expectSums(store, reader)
      reader.close()
      await store.close()
    }),
    { numRuns: 60 },
  )
})

test('equal the sums after manual changes and deletions by SQL', () => {
  const file = join(folder, 'by-hand.db')
  const opened = createSqliteStore(file)
  const connection = new Database(file)
  const insert = connection.prepare(
    `insert into uploads (id, uid, protocol, creator, meta, max_duration_seconds, max_size_bytes,
       allowed_origins, require_signed_urls, expires_at, created_at, requested_by, fingerprint,
       status, version, updated_at, received, reserved_seconds, stored_seconds, idle_checks)
     values (?, ?, ?, ?, '{}', 60, 1, '[]', 0, 1, 1, 'a', 'f', ?, 0, 1, 0, ?, ?, 0)`,
  )
  for (const [index, creator] of ['alice', 'bob', 'alice', 'carol'].entries()) {
    insert.run(
      `id-${index}`,
      index === 3 ? null : `uid-${index}`,
      index % 2 === 0 ? 'TUS' : 'BASIC',
      creator,
      'READY',
      index,
      10 + index,
    )
  }
  for (const change of [
    "update uploads set reserved_seconds = 7 where creator = 'alice'",
    "update uploads set stored_seconds = 70 where creator = 'alice'",
    "update uploads set creator = 'dora' where creator = 'alice'",
    "update uploads set protocol = 'TUS', stored_seconds = 99 where creator = 'bob'",
    "update uploads set uid = 'uid' where creator = 'carol'",
    "update uploads set uid = null where creator = 'bob'",
    "update uploads set status = 'DELETED', stored_seconds = 0",
    "delete from uploads where creator = 'carol'",
    'delete from uploads',
  ]) {
    connection.exec(change)
    expect({ change, totals: storedTotals(connection) }).toEqual({
      change,
      totals: summedTotals(connection),
    })
  }
  connection.close()
  return opened.close()
})

/** Compares what the port returns with sums over every row of the file. */
async function expectSums(store: UploadStore, reader: Database.Database): Promise<void> {
  const sum = (column: string, where = '1') =>
    reader.prepare(`select coalesce(sum(${column}), 0) from uploads where ${where}`).pluck().get()
  for (const creator of [undefined, ...creators, 'nobody']) {
    const where = creator === undefined ? '1' : `creator = '${creator}'`
    const ofCreator = creator === undefined ? {} : { creator }
    expect(await store.quotaUsage(creator)).toEqual({
      reservedSeconds: sum('reserved_seconds', where),
      storedSeconds: sum('stored_seconds', where),
    })
    expect(await store.count(ofCreator)).toBe(sum('uid is not null', where))
    for (const protocol of uploadProtocols) {
      expect(await store.count({ ...ofCreator, protocol, statuses: ['READY', 'ERROR'] })).toBe(
        sum('1', `${where} and protocol = '${protocol}' and status in ('READY', 'ERROR')`),
      )
    }
  }
  expect(await store.countByStatus()).toEqual(
    new Map(uploadStatuses.map((status) => [status, sum('1', `status = '${status}'`)])),
  )
  expect(await store.countReservations()).toBe(sum('1', "status = 'RESERVED'"))
}
