/** The SQLite keeper on real files: the contract of every keeper, and what is SQLite's own. */
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { openSqlite } from '../../src/store/sqlite/database.ts'
import { createSqliteStore } from '../../src/store/sqlite/sqlite.ts'
import type { UploadStore } from '../../src/store/store.ts'
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
    ).toBe('taken')
    const minted = { uid: 'uid', uploadURL: 'https://upload.example.com/x' }
    const upload = await other.mint('a', minted, after(1), after(15))
    if (upload === null) throw new Error('not minted')
    expect(await one.find('uid')).toEqual(upload)
    expect(await one.advance(changeOf(upload, { status: 'QUEUED' }))).toBe(true)
    expect(await other.advance(changeOf(upload, { status: 'READY' }))).toBe(false)
    await one.close()
    await other.close()
  })
})

/** Every operation of the port, once, and lists with each filter; `round` keeps the names apart. */
async function useAll(store: UploadStore, round: string): Promise<void> {
  const [a, b] = [`a-${round}`, `b-${round}`]
  const rules = { creatorQuotaSeconds: 1e9, forgetKeysBefore: after(0) }
  const keyed = reservationOf({ id: a, idempotencyKey: a })
  await store.reserve(keyed, rules)
  await store.reserve(keyed, rules)
  await store.reserve(reservationOf({ id: b }), freely)
  await store.unsettled(after(1), 10)
  const minted = { uid: a, uploadURL: 'https://upload.example.com/x' }
  const upload = await store.mint(a, minted, after(1), after(15))
  if (upload === null) throw new Error('not minted')
  await store.findByKey('alice', a, after(0))
  await store.release(b)
  await store.retire(b)
  await store.dropRetiredBefore(after(0))
  await store.knownReferences([a, b])
  await store.find(a)
  await store.findMany([a, b])
  const event = { status: 'QUEUED', source: 'SYNC', at: after(2) } as const
  await store.advance(changeOf(upload, { status: 'QUEUED' }, { event, checkAt: after(9) }))
  await store.historyOf([a, b])
  await store.due(after(20), 10)
  await store.reschedule([{ uid: a, version: 2, checkAt: after(30), idleChecks: 1 }])
  await store.holdings('alice')
  await store.keepNotice(a, 'body', after(1))
  await store.keptNotices(a)
  await store.dropNotices(a)
  await store.dropNoticesBefore(after(0))
  await store.ping()
  const from = { createdAt: after(1), id: a }
  for (const towards of ['older', 'newer'] as const) {
    for (const creator of [{}, { creator: 'alice' }]) {
      for (const filter of [
        {},
        { statuses: ['READY', 'ERROR'] as const },
        { protocol: 'TUS' } as const,
        { createdAfter: after(0), createdBefore: after(9) },
      ]) {
        await store.list({ ...creator, ...filter }, { towards, limit: 20 })
        await store.list({ ...creator, ...filter }, { towards, limit: 20, from })
      }
    }
  }
  await store.count({ creator: 'alice' })
  await store.count({ creator: 'alice', statuses: ['READY'] })
}

describe('statements', () => {
  test('are prepared once: when all were used, none is prepared any more', async () => {
    const store = createSqliteStore(newFile())
    await useAll(store, 'first')
    const prepare = vi.spyOn(Database.prototype, 'prepare')
    try {
      for (const round of ['second', 'third']) await useAll(store, round)
      expect(prepare.mock.calls.map(([source]) => source)).toEqual([])
    } finally {
      prepare.mockRestore()
      await store.close()
    }
  })

  test('find their rows by an index: none reads a whole table, no list is sorted', async () => {
    const file = newFile()
    const prepare = vi.spyOn(Database.prototype, 'prepare')
    const store = createSqliteStore(file)
    await useAll(store, 'only')
    const sources = new Set(prepare.mock.calls.map(([source]) => source))
    prepare.mockRestore()

    const connection = new Database(file)
    const plans = [...sources]
      .filter((source) => /^(select|update|delete|insert)\b/i.test(source))
      .filter((source) => /\b(uploads|upload_events|kept_notices)\b/.test(source))
      .filter((source) => !isOfAll(source))
      .map((source) => `${source}\n${planOf(connection, source)}`)
    expect(plans.length).toBeGreaterThan(40)
    expect(plans.filter((plan) => readsAll.test(plan))).toEqual([])
    const lists = plans.filter((plan) => /"uid" is not null.* limit/.test(plan))
    expect(lists).toHaveLength(32)
    expect(lists.filter((plan) => plan.includes('TEMP B-TREE'))).toEqual([])
    connection.close()
    await store.close()
  })
})

/** A list of everybody's walks along the index of ages, as far as its limit. */
const readsAll = /SCAN (uploads(?! USING INDEX uploads_by_age)|upload_events|kept_notices)/

/** What the whole account holds is a sum over all uploads; it reads an index from end to end. */
function isOfAll(source: string): boolean {
  return source.startsWith('select coalesce(sum(') && !source.includes(' where ')
}

/** How SQLite would go about it. */
function planOf(connection: Database.Database, source: string): string {
  const parameters = Array.from(source.matchAll(/\?/g), () => null)
  const rows = connection.prepare(`explain query plan ${source}`).all(...parameters)
  return z
    .array(z.object({ detail: z.string() }))
    .parse(rows)
    .map(({ detail }) => detail)
    .join('\n')
}
