/** Runs the store contract against SQLite files, and tests what is specific to SQLite. */
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, describe, expect, test } from 'vitest'
import { openSqlite } from '../../src/store/sqlite/database.ts'
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import { changeOf, unlimited, mintIn } from '../contracts/store-suite.ts'
import { describeUploadStore } from '../contracts/upload-store.ts'
import { after, reservationOf } from '../kit/samples.ts'

const folder = mkdtempSync(join(tmpdir(), 'headgate-store-'))
afterAll(() => rm(folder, { recursive: true, force: true }))

let files = 0
/** A file that does not exist yet, in a folder that does not exist yet. */
function newFile(): string {
  files += 1
  return join(folder, String(files), 'headgate.db')
}

describeUploadStore('SQLite', async () => {
  const file = newFile()
  let store = createSqliteStore(file)
  return {
    store,
    async reopen() {
      await store.close()
      store = createSqliteStore(file)
      return store
    },
  }
})

describe('the file', () => {
  test('is created with its folder and migrated once', () => {
    const file = newFile()
    const first = openSqlite(file)
    expect(first.applied).toBeGreaterThan(0)
    first.connection.close()
    const second = openSqlite(file)
    expect(second.applied).toBe(0)
    second.connection.close()
  })

  test('can be in memory', async () => {
    const store = createSqliteStore(':memory:')
    await mintIn(store, { id: 'one' })
    expect(await store.count({})).toBe(1)
    await store.close()
  })

  test('uses WAL, full synchronization and foreign keys', () => {
    const { connection } = openSqlite(newFile())
    const pragma = (name: string): unknown => connection.pragma(name, { simple: true })
    expect(pragma('journal_mode')).toBe('wal')
    expect(pragma('synchronous')).toBe(2)
    expect(pragma('foreign_keys')).toBe(1)
    expect(pragma('busy_timeout')).toBe(5000)
    connection.close()
  })

  test('has no write-ahead log to recover after close', async () => {
    const file = newFile()
    const store = createSqliteStore(file)
    await mintIn(store, { id: 'one' })
    await store.close()
    const connection = new Database(file, { readonly: true })
    expect(connection.prepare('select count(*) from uploads').pluck().get()).toBe(1)
    connection.close()
  })

  test('can be opened twice: each store sees what the other has written', async () => {
    const file = newFile()
    const [one, other] = [createSqliteStore(file), createSqliteStore(file)]
    expect(other.deployment).toBe(one.deployment)
    const reservation = reservationOf({ id: 'a', idempotencyKey: 'key' })
    expect((await one.reserve(reservation, unlimited)).kind).toBe('reserved')
    expect(
      (await other.reserve(reservationOf({ id: 'b', idempotencyKey: 'key' }), unlimited)).kind,
    ).toBe('key-in-use')
    const minted = { uid: 'uid', uploadURL: 'https://upload.example.com/x' }
    const upload = await other.mint(reservation, minted, after(1), after(15))
    if (upload === null) throw new Error('The upload was not minted.')
    expect(await one.find('uid')).toEqual(upload)
    expect(await one.saveVersion(changeOf(upload, { status: 'QUEUED' }))).toBe(true)
    expect(await other.saveVersion(changeOf(upload, { status: 'READY' }))).toBe(false)
    await one.close()
    await other.close()
  })

  test('is read as of the first read of a tick, and includes own writes', async () => {
    const file = newFile()
    const [one, other] = [createSqliteStore(file), createSqliteStore(file)]
    const first = await mintIn(one, { id: 'first' })
    const second = await mintIn(one, { id: 'second' })
    expect(await one.saveVersion(changeOf(first, { status: 'QUEUED' }))).toBe(true)
    const third = new Database(file)
    const firstRead = other.find(first.uid)
    third.prepare("update uploads set name = 'changed' where uid = ?").run(second.uid)
    expect(firstRead).toMatchObject({ status: 'QUEUED' })
    expect(other.find(second.uid)).toEqual(second)
    await new Promise(setImmediate)
    expect(other.find(second.uid)).toMatchObject({ name: 'changed' })
    third.close()
    // The store reads its own write immediately, and writes of the other in a later tick.
    const advanced = other.saveVersion(changeOf(second, { status: 'READY' }))
    expect(other.find(second.uid)).toMatchObject({ status: 'PENDING_UPLOAD' })
    await advanced
    expect(other.find(second.uid)).toMatchObject({ status: 'READY' })
    expect(await one.find(second.uid)).toMatchObject({ status: 'READY' })
    await other.close()
    await one.close()
  })

  test('holds a write made before a read in the same tick once the write resolves', async () => {
    const file = newFile()
    const store = createSqliteStore(file)
    const upload = await mintIn(store, { id: 'one' })
    const other = new Database(file)
    const statusNow = other.prepare('select status from uploads').pluck()
    // The commit happens while the read transaction is open.
    const written = store.saveVersion(changeOf(upload, { status: 'QUEUED' }))
    void store.find(upload.uid)
    expect(await written.then(() => statusNow.get())).toBe('QUEUED')
    other.close()
    await store.close()
  })

  test('is read in one transaction per tick, which ends with the tick', async () => {
    const file = newFile()
    const store = createSqliteStore(file)
    const { uid } = await mintIn(store, { id: 'one' })
    const other = new Database(file, { timeout: 0 })
    const isIdle = (): boolean => {
      // The log cannot be reset while a connection reads it.
      const rows: unknown = other.pragma('wal_checkpoint(TRUNCATE)', { simple: true })
      return rows === 0
    }
    void store.find(uid)
    expect(isIdle()).toBe(false)
    await new Promise(setImmediate)
    expect(isIdle()).toBe(true)
    void store.find(uid)
    await store.close()
    expect(isIdle()).toBe(true)
    other.close()
  })

  test('is opened and read while another process holds the write lock', async () => {
    const file = newFile()
    const first = createSqliteStore(file)
    const { uid } = await mintIn(first, { id: 'one' })
    await first.close()
    const other = new Database(file)
    other.exec('begin immediate')
    const store = createSqliteStore(file)
    expect(store.find(uid)).toMatchObject({ uid })
    other.exec('rollback')
    other.close()
    await store.close()
  })

  test('is not written to when there is nothing to delete', async () => {
    const file = newFile()
    const store = createSqliteStore(file)
    await store.saveUnmatchedWebhook('x', 'body', after(5))
    await store.reserve(reservationOf({ createdAt: after(5) }), unlimited)
    await store.retire('reference')
    const other = new Database(file)
    // A write would wait for this transaction and fail.
    other.exec('begin immediate')
    expect(await store.deleteUnmatchedWebhooksBefore(after(5))).toBe(0)
    await store.deleteRetiredBefore(after(5))
    await store.reschedulePolls([])
    other.exec('rollback')
    other.close()
    expect(await store.deleteUnmatchedWebhooksBefore(after(6))).toBe(1)
    await store.deleteRetiredBefore(after(6))
    expect((await store.findReferences(['reference'])).size).toBe(0)
    await store.close()
  })
})
