/** A deployment that moves from SQLite to PostgreSQL: real files, a real server, both read by their ports. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { asc } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { openPostgres } from '../../src/postgres/connection-pool.ts'
import { diffSummaries } from '../../src/store/sqlite-to-postgres/summary.ts'
import {
  type CopiedEvent,
  eventColumns,
  uploadColumns,
} from '../../src/store/sqlite-to-postgres/copied-columns.ts'
import { type CopyOptions, copyStore } from '../../src/store/sqlite-to-postgres/copy-store.ts'
import {
  type UploadSource,
  openSqliteSource,
} from '../../src/store/sqlite-to-postgres/sqlite-source.ts'
import { createPostgresStore } from '../../src/store/postgres/postgres-store.ts'
import { uploadEvents, uploads } from '../../src/store/postgres/tables.ts'
import { openSqlite } from '../../src/store/sqlite/database.ts'
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import type { UploadStore } from '../../src/uploads/ports/upload-store.ts'
import { uploadStatuses } from '../../src/uploads/upload.ts'
import { changeOf, freely, mintIn, uidOf } from '../contracts/store-suite.ts'
import { fillStore } from '../kit/fill-store.ts'
import {
  type TestDatabase,
  createEmptyDatabase,
  createTestDatabase,
  describeWithPostgres,
} from '../kit/postgres.ts'
import { after, reservationOf } from '../kit/samples.ts'
import { fill, toldBy } from './deployment.ts'

let folder = ''
let file = ''
let target: TestDatabase

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headgate-moving-'))
  file = join(folder, 'headgate.db')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

function open(database: TestDatabase = target) {
  return openPostgres({ url: database.url, connections: 4 }, () => undefined)
}

function sourceOf(path = file): UploadSource {
  const opened = openSqliteSource(path)
  if (opened.kind !== 'source') throw new Error('The file lacks migrations.')
  onTestFinished(() => opened.source.close())
  return opened.source
}

async function move(options: CopyOptions = {}, source = sourceOf()) {
  const postgres = open()
  try {
    return await copyStore(source, postgres, options)
  } finally {
    await postgres.close()
  }
}

async function withSqlite<T>(work: (store: UploadStore) => Promise<T>): Promise<T> {
  const store = createSqliteStore(file)
  try {
    return await work(store)
  } finally {
    await store.close()
  }
}

async function withPostgres<T>(work: (store: UploadStore) => Promise<T>): Promise<T> {
  const store = await createPostgresStore(open())
  try {
    return await work(store)
  } finally {
    await store.close()
  }
}

/** Every column of every row and event, as PostgreSQL gives them. */
async function rowsInTarget() {
  const postgres = open()
  const db = drizzle({ client: postgres.pool })
  try {
    return {
      uploads: await db.select(uploadColumns).from(uploads).orderBy(asc(uploads.id)),
      events: await db
        .select(eventColumns)
        .from(uploadEvents)
        .orderBy(asc(uploadEvents.uploadId), asc(uploadEvents.version)),
    }
  } finally {
    await postgres.close()
  }
}

function ofNobody({ version, status, source, at }: CopiedEvent): CopiedEvent {
  return { uploadId: 'nobody', version, status, source, at }
}

/** The values of all rows, one after the other. */
async function askTarget(statement: string): Promise<readonly unknown[]> {
  const postgres = open()
  try {
    const { rows } = await postgres.pool.query<unknown[]>({ text: statement, rowMode: 'array' })
    return rows.flat()
  } finally {
    await postgres.close()
  }
}

describeWithPostgres('moving to PostgreSQL', () => {
  beforeEach(async () => {
    target = await createTestDatabase()
  })
  afterEach(() => target.drop())

  test('everything is there as it was: each column, and all that the port tells', async () => {
    const told = await withSqlite(async (store) => {
      await fill(store)
      return toldBy(store)
    })
    expect(told.all).toHaveLength(uploadStatuses.length)
    expect([told.unsettled.length, told.notices.flat().length]).toEqual([1, 3])

    const source = sourceOf()
    const outcome = await move({ rowsABatch: 3 })
    expect(outcome).toEqual({ kind: 'moved', census: source.summary() })
    expect(await withPostgres(toldBy)).toEqual(told)
    expect(await rowsInTarget()).toEqual(source.batchAfter('', 1000))
    // JSON with its order and escapes, and tallies that are folded.
    const metas = source.batchAfter('', 1000).uploads.map(({ meta }) => JSON.stringify(meta))
    expect(await askTarget('select meta::text from uploads order by id')).toEqual(metas)
    expect(await askTarget('select count(*)::int from upload_tally_changes')).toEqual([0])
  })

  test('the file is read, and not written', async () => {
    await withSqlite(fill)
    const before = await readFile(file)
    await move()
    expect(await readFile(file)).toEqual(before)
  })

  test('a text with NUL has its replacement, and two keys that are one there are the newer one', async () => {
    await withSqlite(async (store) => {
      await mintIn(store, { id: 'one', name: 'a\0b', idempotencyKey: 'key\0' })
      await mintIn(store, { id: 'two', creator: 'c\0', idempotencyKey: 'key\uFFFD' })
      await store.saveUnmatchedWebhook('stranger', '{"a":"\0"}', after(1))
    })
    for (const rowsABatch of [10, 1, 1]) {
      expect((await move({ rowsABatch })).kind).toBe('moved')
      await withPostgres(async (store) => {
        expect((await store.find(uidOf('one')))?.name).toBe('a\uFFFDb')
        expect((await store.find(uidOf('two')))?.creator).toBe('c\uFFFD')
        expect((await store.findByKey('alice', 'key\0', after(-1)))?.upload?.id).toBe('two')
        expect(await store.unmatchedWebhooks('stranger')).toEqual(['{"a":"\uFFFD"}'])
      })
    }
  })

  test('a second time writes nothing', async () => {
    await withSqlite(fill)
    const first = await move()
    const written = 'select id, xmin::text, ctid::text, changed_in::text from uploads order by id'
    const before = await askTarget(written)
    expect(await move()).toEqual(first)
    expect(await askTarget(written)).toEqual(before)
  })

  test('a second time brings what happened since', async () => {
    await withSqlite(async (store) => {
      await fill(store)
      for (const id of ['settles', 'released', 'retired']) {
        await store.reserve(reservationOf({ id, idempotencyKey: id }), freely)
      }
      await mintIn(store, { id: 'old', idempotencyKey: 'reused' })
    })
    await move()
    const told = await withSqlite(async (store) => {
      const minted = { uid: uidOf('settles'), uploadURL: 'https://upload.example.com/settles' }
      await store.mint('settles', minted, after(10), after(20))
      await store.release('released')
      await store.retire('retired')
      // The keys of what is gone or forgotten are others' now, also of one whose id comes before.
      await mintIn(store, { id: 'anew', idempotencyKey: 'released' })
      await store.reserve(reservationOf({ id: 'new', idempotencyKey: 'reused' }), {
        ...freely,
        forgetKeysBefore: after(1),
      })
      const queued = await store.find(uidOf('old'))
      if (queued === null) throw new Error('The upload is gone.')
      const event = { status: 'QUEUED', source: 'SYNC', at: after(30) } as const
      await store.saveVersion(
        changeOf(queued, { status: 'QUEUED', updatedAt: after(30) }, { event }),
      )
      await store.deleteUnmatchedWebhooks('other')
      await store.saveUnmatchedWebhook('third', '{}', after(40))
      return toldBy(store)
    })
    const source = sourceOf()
    expect(await move()).toEqual({ kind: 'moved', census: source.summary() })
    expect(await withPostgres(toldBy)).toEqual(told)
    expect(await rowsInTarget()).toEqual(source.batchAfter('', 1000))
  })

  test('what is newer in the target stays', async () => {
    await withSqlite((store) => mintIn(store, { id: 'one' }))
    await move()
    await withPostgres(async (store) => {
      const upload = await store.find(uidOf('one'))
      if (upload === null) throw new Error('The upload is gone.')
      await store.saveVersion(changeOf(upload, { status: 'QUEUED' }))
    })
    expect(await move()).toMatchObject({
      kind: 'different',
      own: 1,
      differences: [
        { what: 'PENDING_UPLOAD uploads', source: 1, target: 0 },
        { what: 'QUEUED uploads', source: 0, target: 1 },
        { what: 'recorded versions', source: 1, target: 2 },
        { what: 'reserved seconds', source: 600, target: 0 },
      ],
    })
    expect((await withPostgres(async (store) => store.find(uidOf('one'))))?.version).toBe(2)
  })

  test('is taken up again where it was interrupted', async () => {
    fillStore(file, { uploads: 2500, creators: 7, newest: after(-60) })
    await withSqlite(fill)
    const source = sourceOf()
    let batches = 0
    const failing: UploadSource = {
      ...source,
      batchAfter(id, limit) {
        batches += 1
        if (batches > 2) throw new Error('The power is gone.')
        return source.batchAfter(id, limit)
      },
    }
    await expect(move({ rowsABatch: 500 }, failing)).rejects.toThrow('The power is gone.')
    expect(await askTarget('select count(*)::int from uploads')).toEqual([1000])

    const progress: number[] = []
    const onProgress = (rows: number, size: number): number => progress.push(rows, size)
    const outcome = await move({ rowsABatch: 1000, onProgress })
    expect(outcome).toEqual({ kind: 'moved', census: source.summary() })
    const size = 2500 + uploadStatuses.length + 2
    expect(progress).toEqual([1000, size, 2000, size, size, size])
    expect(await rowsInTarget()).toEqual(source.batchAfter('', 10_000))
    expect(await withPostgres(toldBy)).toEqual(await withSqlite(toldBy))
  })

  test('a batch that fails leaves none of its rows', async () => {
    await withSqlite(fill)
    const source = sourceOf()
    const broken: UploadSource = {
      ...source,
      batchAfter(id, limit) {
        const batch = source.batchAfter(id, limit)
        return { ...batch, events: batch.events.map(ofNobody) }
      },
    }
    await expect(move({}, broken)).rejects.toThrow(/./)
    expect(await askTarget('select count(*)::int from uploads')).toEqual([0])
  })

  describe('what differs in the end is named', () => {
    test('an upload that was added after its batch, and the next time it goes along', async () => {
      await withSqlite(fill)
      const outcome = await move({
        onProgress() {
          // Its id comes before those that were copied.
          fillStore(file, { uploads: 1, creators: 1, newest: after(500) })
        },
      })
      expect(outcome).toMatchObject({
        kind: 'different',
        own: 0,
        differences: [
          { what: 'PENDING_UPLOAD uploads', source: 2, target: 1 },
          { what: 'recorded versions' },
          { what: 'events' },
          { what: 'reserved seconds' },
        ],
      })
      expect((await move()).kind).toBe('moved')
    })

    test('a notice that came after the notices', async () => {
      await withSqlite(fill)
      const source = sourceOf()
      const outcome = await move(
        {},
        {
          ...source,
          summary() {
            const other = new Database(file)
            other.exec("insert into kept_notices values ('late', '{}', 5)")
            other.close()
            return source.summary()
          },
        },
      )
      const differences = [{ what: 'webhooks', source: 4, target: 3 }]
      expect(outcome).toEqual({ kind: 'different', own: 0, differences })
    })

    test('an upload that changed without a new status', async () => {
      await withSqlite((store) => mintIn(store, { id: 'one' }))
      const outcome = await move({
        onProgress() {
          const other = new Database(file)
          other.exec('update uploads set version = version + 1, received_bytes = 5')
          other.close()
        },
      })
      const differences = [{ what: 'recorded versions', source: 2, target: 1 }]
      expect(outcome).toEqual({ kind: 'different', own: 0, differences })
    })

    test('uploads of the target, whose reservations and notices stay', async () => {
      await withSqlite(fill)
      await move()
      await withPostgres(async (store) => {
        await mintIn(store, { id: 'own' })
        await store.reserve(reservationOf({ id: 'own-reservation' }), freely)
        await store.saveUnmatchedWebhook('own', '{}', after(5))
      })
      expect(await move()).toMatchObject({
        kind: 'different',
        own: 1,
        differences: [
          { what: 'RESERVED reservations', source: 1, target: 2 },
          { what: 'PENDING_UPLOAD uploads', source: 1, target: 2 },
          { what: 'recorded versions' },
          { what: 'events' },
          { what: 'webhooks', source: 3, target: 4 },
          { what: 'reserved seconds' },
        ],
      })
    })

    test('stored seconds, and nothing where there is no difference', () => {
      const summary = {
        rows: new Map([['READY', 1]] as const),
        versions: 1,
        events: 1,
        notices: 0,
        reservedSeconds: 0,
        storedSeconds: 13,
      }
      expect(diffSummaries(summary, { ...summary, rows: new Map(summary.rows) })).toEqual([])
      expect(diffSummaries(summary, { ...summary, storedSeconds: 12 })).toEqual([
        { what: 'stored seconds', source: 13, target: 12 },
      ])
    })
  })

  describe('the name of the deployment', () => {
    test('goes to a database that has one already, and no upload', async () => {
      const fresh = await withPostgres(async (store) => store.deployment)
      const name = await withSqlite(async (store) => {
        await fill(store)
        return store.deployment
      })
      expect(name).not.toBe(fresh)
      expect((await move()).kind).toBe('moved')
      expect(await withPostgres(async (store) => store.deployment)).toBe(name)
    })

    test('of a database with a row stays, and nothing is copied', async () => {
      const fresh = await withPostgres(async (store) => {
        await store.reserve(reservationOf({ id: 'theirs' }), freely)
        return store.deployment
      })
      const name = await withSqlite(async (store) => {
        await fill(store)
        return store.deployment
      })
      expect(await move()).toEqual({ kind: 'foreign', source: name, target: fresh })
      expect(await askTarget('select id from uploads')).toEqual(['theirs'])
      expect(await askTarget('select id from deployments')).toEqual([fresh])
    })

    test('is what a file has that a gateway worked on', async () => {
      openSqlite(file).connection.close()
      expect(await move()).toEqual({ kind: 'nameless' })
    })
  })

  test('a file that lacks migrations, or is none, is not moved', () => {
    const empty = new Database(file)
    empty.exec('create table something (id)')
    empty.close()
    const { connection, applied } = openSqlite(':memory:')
    connection.close()
    expect(openSqliteSource(file)).toEqual({ kind: 'not-migrated', migrations: applied })
    expect(() => openSqliteSource(join(folder, 'missing.db'))).toThrow(/./)
    expect(() => openSqliteSource(folder)).toThrow(/./)
  })

  test('two do not move to the same database at once', async () => {
    await withSqlite(fill)
    const other = await open().connect()
    await other.query('select pg_advisory_lock(720404)')
    expect(await move()).toEqual({ kind: 'busy' })
    await other.end()
    expect(await askTarget('select count(*)::int from uploads')).toEqual([0])
  })

  test('an empty database is migrated first', async () => {
    const empty = await createEmptyDatabase()
    onTestFinished(() => empty.drop())
    await withSqlite(fill)
    const source = sourceOf()
    const postgres = open(empty)
    const outcome = await copyStore(source, postgres)
    await postgres.close()
    expect(outcome).toEqual({ kind: 'moved', census: source.summary() })
  })

  test('a gateway goes on with what was moved', async () => {
    const [due, taken] = await withSqlite(async (store) => {
      await fill(store)
      const uid = uidOf('upload-2')
      return [
        await store.find(uid),
        await store.findByKey('requester 1', 'schlüssel 🔑 1', after(0)),
      ]
    })
    await move()
    await withPostgres(async (store) => {
      const again = { id: 'again', requestedBy: 'requester 1', idempotencyKey: 'schlüssel 🔑 1' }
      expect(await store.reserve(reservationOf(again), freely)).toEqual({
        kind: 'key-in-use',
        ...taken,
      })
      const claimed = await store.claimDue(after(250), 100, after(300))
      expect(claimed).toContainEqual({
        upload: due,
        idlePolls: 2,
        dueAt: after(202),
        missingChecks: 0,
      })
      const minted = { uid: uidOf('waiting'), uploadURL: 'https://upload.example.com/waiting' }
      expect((await store.mint('waiting', minted, after(10), after(20)))?.version).toBe(1)
      const before = await store.quotaUsage('bob')
      await mintIn(store, { id: 'new', creator: 'bob' })
      const { reservedSeconds } = await store.quotaUsage('bob')
      expect(reservedSeconds - before.reservedSeconds).toBe(600)
    })
  })
})
