/** The SQLite keeper on real files: the contract of every keeper, and what is SQLite's own. */
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, describe, expect, test } from 'vitest'
import { openSqlite } from '../../src/store/sqlite/database.ts'
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import { changeOf, freely, mintIn } from '../contracts/store-suite.ts'
import { describeUploadStore } from '../contracts/upload-store.ts'
import { after, reservationOf } from '../kit/samples.ts'

const folder = mkdtempSync(join(tmpdir(), 'headgate-store-'))
afterAll(() => rm(folder, { recursive: true, force: true }))

let files = 0
/** A file that is not there yet, in a folder that is not there yet. */
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
  test('is made with its folder and migrated, and the next time there is nothing to do', () => {
    const file = newFile()
    const first = openSqlite(file)
    expect(first.applied).toBeGreaterThan(0)
    first.connection.close()
    const second = openSqlite(file)
    expect(second.applied).toBe(0)
    second.connection.close()
  })

  test('may be in memory only', async () => {
    const store = createSqliteStore(':memory:')
    await mintIn(store, { id: 'one' })
    expect(await store.count({})).toBe(1)
    await store.close()
  })

  test('is written ahead, synchronised in full with each commit, and keeps its references', () => {
    const { connection } = openSqlite(newFile())
    const pragma = (name: string): unknown => connection.pragma(name, { simple: true })
    expect(pragma('journal_mode')).toBe('wal')
    expect(pragma('synchronous')).toBe(2)
    expect(pragma('foreign_keys')).toBe(1)
    expect(pragma('busy_timeout')).toBe(5000)
    connection.close()
  })

  test('has no write-ahead log left to recover once it was closed', async () => {
    const file = newFile()
    const store = createSqliteStore(file)
    await mintIn(store, { id: 'one' })
    await store.close()
    const connection = new Database(file, { readonly: true })
    expect(connection.prepare('select count(*) from uploads').pluck().get()).toBe(1)
    connection.close()
  })

  test('may be open twice: what one has written the other sees, and both go by it', async () => {
    const file = newFile()
    const [one, other] = [createSqliteStore(file), createSqliteStore(file)]
    expect(other.deployment).toBe(one.deployment)
    expect(
      (await one.reserve(reservationOf({ id: 'a', idempotencyKey: 'key' }), freely)).kind,
    ).toBe('reserved')
    expect(
      (await other.reserve(reservationOf({ id: 'b', idempotencyKey: 'key' }), freely)).kind,
    ).toBe('key-in-use')
    const minted = { uid: 'uid', uploadURL: 'https://upload.example.com/x' }
    const upload = await other.mint('a', minted, after(1), after(15))
    if (upload === null) throw new Error('not minted')
    expect(await one.find('uid')).toEqual(upload)
    expect(await one.saveVersion(changeOf(upload, { status: 'QUEUED' }))).toBe(true)
    expect(await other.saveVersion(changeOf(upload, { status: 'READY' }))).toBe(false)
    await one.close()
    await other.close()
  })

  test('shows one who reads it what stood in it at the first look of a turn, and what is written since', async () => {
    const file = newFile()
    const [one, other] = [createSqliteStore(file), createSqliteStore(file)]
    const first = await mintIn(one, { id: 'first' })
    const second = await mintIn(one, { id: 'second' })
    expect(await one.saveVersion(changeOf(first, { status: 'QUEUED' }))).toBe(true)
    const third = new Database(file)
    const look = other.find(first.uid)
    third.prepare("update uploads set name = 'changed' where uid = ?").run(second.uid)
    expect(look).toMatchObject({ status: 'QUEUED' })
    expect(other.find(second.uid)).toEqual(second)
    await new Promise(setImmediate)
    expect(other.find(second.uid)).toMatchObject({ name: 'changed' })
    third.close()
    // What it writes itself is seen at once, and what the other wrote in a later turn.
    const advanced = other.saveVersion(changeOf(second, { status: 'READY' }))
    expect(other.find(second.uid)).toMatchObject({ status: 'PENDING_UPLOAD' })
    await advanced
    expect(other.find(second.uid)).toMatchObject({ status: 'READY' })
    expect(await one.find(second.uid)).toMatchObject({ status: 'READY' })
    await other.close()
    await one.close()
  })

  test('holds what was written before a turn was read in, once that is answered', async () => {
    const file = newFile()
    const store = createSqliteStore(file)
    const upload = await mintIn(store, { id: 'one' })
    const other = new Database(file)
    const statusNow = other.prepare('select status from uploads').pluck()
    // Its commit comes while the read after it still stands open.
    const written = store.saveVersion(changeOf(upload, { status: 'QUEUED' }))
    void store.find(upload.uid)
    expect(await written.then(() => statusNow.get())).toBe('QUEUED')
    other.close()
    await store.close()
  })

  test('is read in one transaction a turn, and stands open to nobody afterwards', async () => {
    const file = newFile()
    const store = createSqliteStore(file)
    const { uid } = await mintIn(store, { id: 'one' })
    const other = new Database(file, { timeout: 0 })
    const isIdle = (): boolean => {
      // Nothing of the log can be reset while somebody reads in it.
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

  test('is not written to by a round that has nothing to drop', async () => {
    const file = newFile()
    const store = createSqliteStore(file)
    await store.saveUnmatchedWebhook('x', 'body', after(5))
    await store.reserve(reservationOf({ createdAt: after(5) }), freely)
    await store.retire('reference')
    const other = new Database(file)
    // Whoever wanted to write would wait for this one, and fail.
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
