/** Failures of the SQLite file and its disk, raised by SQLite, and how the store reports them. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import { openSqlite } from '../../src/store/sqlite/database.ts'
import { guarded, sqliteFailureOf } from '../../src/store/sqlite/failures.ts'
import { createStoreOn } from '../../src/store/sqlite/sqlite-store.ts'
import { StoreUnavailable } from '../../src/uploads/ports/store-unavailable.ts'
import { unlimited } from '../contracts/store-suite.ts'
import { after, reservationOf } from '../kit/samples.ts'

const folder = mkdtempSync(join(tmpdir(), 'headgate-failures-'))
afterAll(() => rm(folder, { recursive: true, force: true }))

let files = 0
function newFile(): string {
  files += 1
  return join(folder, `${files}.db`)
}

function connect(file = newFile(), options: Database.Options = {}): Database.Database {
  const connection = new Database(file, { timeout: 0, ...options })
  onTestFinished(() => void connection.close())
  return connection
}

function thrownBy(work: () => unknown): unknown {
  try {
    guarded(work)
  } catch (error) {
    return error
  }
  return expect.unreachable('The call did not throw.')
}

describe('an error of SQLite', () => {
  test.each<[code: string, failure: string | null, cause: () => () => unknown]>([
    [
      'SQLITE_BUSY',
      'locked',
      () => {
        const file = newFile()
        connect(file).exec('begin immediate')
        const other = connect(file)
        return () => other.exec('begin immediate')
      },
    ],
    [
      'SQLITE_FULL',
      'full',
      () => {
        const connection = connect()
        connection.exec('create table t (x)')
        connection.pragma('max_page_count = 3')
        return () => connection.exec('insert into t values (zeroblob(100000))')
      },
    ],
    [
      'SQLITE_READONLY',
      'read-only',
      () => {
        const file = newFile()
        connect(file).exec('create table t (x)')
        const reader = connect(file, { readonly: true })
        return () => reader.exec('insert into t values (1)')
      },
    ],
    [
      'SQLITE_CANTOPEN',
      'inaccessible',
      () => {
        const file = newFile()
        mkdirSync(file)
        return () => new Database(file)
      },
    ],
    [
      'SQLITE_NOTADB',
      'damaged',
      () => {
        const file = newFile()
        writeFileSync(file, 'This is a sentence. '.repeat(100))
        const connection = connect(file)
        return () => connection.pragma('user_version')
      },
    ],
    [
      'SQLITE_IOERR_WRITE',
      'inaccessible',
      () => () => {
        throw new Database.SqliteError('disk I/O error', 'SQLITE_IOERR_WRITE')
      },
    ],
    [
      'SQLITE_CONSTRAINT_PRIMARYKEY',
      null,
      () => {
        const connection = connect()
        connection.exec('create table t (x text primary key)')
        return () => connection.exec("insert into t values ('a'), ('a')")
      },
    ],
    ['SQLITE_ERROR', null, () => () => connect().exec('select 1 from nothing')],
  ])('%s has the failure kind %s', (code, failure, cause) => {
    const error = thrownBy(cause())
    expect(sqliteFailureOf(error)).toBe(failure)
    const isUnavailable = failure !== null
    expect(error instanceof StoreUnavailable && error.reason !== null).toBe(isUnavailable)
    expect(isUnavailable && error instanceof Error ? error.cause : error).toMatchObject({ code })
  })
})

/** A store whose connection the test limits, with a clock that the test advances. */
function openLimited() {
  const database = openSqlite(newFile())
  let time = 0
  const store = createStoreOn(database, { now: () => time })
  onTestFinished(() => store.close())
  let ids = 0
  const reserve = () => {
    ids += 1
    return store.reserve(reservationOf({ id: `id-${ids}` }), unlimited)
  }
  return { database, store, reserve, advanceSecond: () => (time += 1000) }
}

describe('the last write', () => {
  test.each<[what: string, reason: RegExp, pragma: string, back: string]>([
    ['on a full disk', /disk .* is full/, 'max_page_count = 1', 'max_page_count = 1000000'],
    ['to a read-only file', /read-only/, 'query_only = 1', 'query_only = 0'],
  ])(
    'that failed %s fails the ping until a write succeeds',
    async (_what, reason, pragma, back) => {
      const { database, store, reserve } = openLimited()
      await reserve()
      await store.ping()
      const { connection } = database
      connection.pragma(pragma)
      await expect(
        store.saveUnmatchedWebhook('uid', 'x'.repeat(100_000), after(0)),
      ).rejects.toThrow(reason)
      await expect(store.ping()).rejects.toThrow(reason)
      expect(await store.count({})).toBe(0)
      connection.pragma(back)
      await reserve()
      await store.ping()
    },
  )

  test('is retried by the ping, at most once a second, without leaving a row', async () => {
    const { database, store, advanceSecond } = openLimited()
    const { connection } = database
    connection.pragma('query_only = 1')
    await expect(store.release('x')).rejects.toThrow(StoreUnavailable)
    await expect(store.ping()).rejects.toThrow(StoreUnavailable)
    connection.pragma('query_only = 0')
    await expect(store.ping()).rejects.toThrow(StoreUnavailable)
    advanceSecond()
    await store.ping()
    await store.ping()
    expect(connection.prepare('select count(*) from kept_notices').pluck().get()).toBe(0)
  })

  test('that violates a constraint does not fail the ping', async () => {
    const { store } = openLimited()
    await store.reserve(reservationOf({ id: 'same' }), unlimited)
    await expect(store.reserve(reservationOf({ id: 'same' }), unlimited)).rejects.toThrow(/UNIQUE/)
    await store.ping()
  })
})
