/** Copies a deployment from SQLite to PostgreSQL: real files, a real server, read by both stores. */
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
import { deliveryStates } from '../../src/uploads/ports/callback-store.ts'
import type { UploadStore } from '../../src/uploads/ports/upload-store.ts'
import { uploadStatuses } from '../../src/uploads/upload.ts'
import { TARGET, callbackOf, mintWith } from '../contracts/callback-store.ts'
import { changeOf, unlimited, mintIn, uidOf } from '../contracts/store-suite.ts'
import { fillStore } from '../kit/fill-store.ts'
import {
  type TestDatabase,
  createEmptyDatabase,
  createTestDatabase,
  describeWithPostgres,
} from '../kit/postgres.ts'
import { after, reservationOf } from '../kit/samples.ts'
import { fillWithSamples, readAll } from './deployment.ts'

let folder = ''
let file = ''
let target: TestDatabase

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headgate-copy-'))
  file = join(folder, 'headgate.db')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

function open(database: TestDatabase = target) {
  return openPostgres({ url: database.url, connections: 4 }, () => undefined)
}

const listAll = async ({ callbacks }: UploadStore) =>
  Promise.all(deliveryStates.map((state) => callbacks.listDeliveries(state, 9)))

function sourceOf(path = file): UploadSource {
  const opened = openSqliteSource(path)
  if (opened.kind !== 'source') throw new Error('The file has pending migrations.')
  onTestFinished(() => opened.source.close())
  return opened.source
}

async function copy(options: CopyOptions = {}, source = sourceOf()) {
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

/** Every column of every upload and event, as PostgreSQL returns them. */
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

function withUnknownUpload({ version, status, source, at }: CopiedEvent): CopiedEvent {
  return { uploadId: 'unknown', version, status, source, at }
}

/** Returns the values of all rows in one list. */
async function queryTarget(statement: string): Promise<readonly unknown[]> {
  const postgres = open()
  try {
    const { rows } = await postgres.pool.query<unknown[]>({ text: statement, rowMode: 'array' })
    return rows.flat()
  } finally {
    await postgres.close()
  }
}

describeWithPostgres('copy to PostgreSQL', () => {
  beforeEach(async () => {
    target = await createTestDatabase()
  })
  afterEach(() => target.drop())

  test('copies each column and everything that the port returns', async () => {
    const content = await withSqlite(async (store) => {
      await fillWithSamples(store)
      return readAll(store)
    })
    expect(content.all).toHaveLength(uploadStatuses.length)
    expect([content.pending.length, content.webhooks.flat().length]).toEqual([1, 3])

    const source = sourceOf()
    const outcome = await copy({ rowsPerBatch: 3 })
    expect(outcome).toEqual({ kind: 'copied', summary: source.summary() })
    expect(await withPostgres(readAll)).toEqual(content)
    expect(await rowsInTarget()).toEqual(source.batchAfter('', 1000))
    // JSON keeps its order and escapes, and the totals are folded.
    const metas = source.batchAfter('', 1000).uploads.map(({ meta }) => JSON.stringify(meta))
    expect(await queryTarget('select meta::text from uploads order by id')).toEqual(metas)
    expect(await queryTarget('select count(*)::int from upload_tally_changes')).toEqual([0])
  })

  test('reads the file and does not write to it', async () => {
    await withSqlite(fillWithSamples)
    const before = await readFile(file)
    await copy()
    expect(await readFile(file)).toEqual(before)
  })

  test('replaces NUL, and gives a key that two uploads then share to the newer one', async () => {
    await withSqlite(async (store) => {
      await mintIn(store, { id: 'one', name: 'a\0b', idempotencyKey: 'key\0' })
      await mintIn(store, { id: 'two', creator: 'c\0', idempotencyKey: 'key\uFFFD' })
      await store.saveUnmatchedWebhook('stranger', '{"a":"\0"}', after(1))
    })
    for (const rowsPerBatch of [10, 1, 1]) {
      expect((await copy({ rowsPerBatch })).kind).toBe('copied')
      await withPostgres(async (store) => {
        expect((await store.find(uidOf('one')))?.name).toBe('a\uFFFDb')
        expect((await store.find(uidOf('two')))?.creator).toBe('c\uFFFD')
        expect((await store.findByKey('alice', 'key\0', after(-1)))?.upload?.id).toBe('two')
        expect(await store.unmatchedWebhooks('stranger')).toEqual(['{"a":"\uFFFD"}'])
      })
    }
  })

  test('writes nothing when repeated without changes', async () => {
    await withSqlite(fillWithSamples)
    const first = await copy()
    const written = 'select id, xmin::text, ctid::text, changed_in::text from uploads order by id'
    const before = await queryTarget(written)
    expect(await copy()).toEqual(first)
    expect(await queryTarget(written)).toEqual(before)
  })

  test('copies later changes when repeated', async () => {
    await withSqlite(async (store) => {
      await fillWithSamples(store)
      for (const id of ['minted', 'released', 'retired']) {
        await store.reserve(reservationOf({ id, idempotencyKey: id }), unlimited)
      }
      await mintIn(store, { id: 'old', idempotencyKey: 'reused' })
    })
    await copy()
    const content = await withSqlite(async (store) => {
      const minted = { uid: uidOf('minted'), uploadURL: 'https://upload.example.com/minted' }
      await store.mint(reservationOf({ id: 'minted' }), minted, after(10), after(20))
      await store.release('released')
      await store.retire('retired')
      // Released or expired keys belong to other reservations now, also when their id sorts first.
      await mintIn(store, { id: 'key-reuser', idempotencyKey: 'released' })
      await store.reserve(reservationOf({ id: 'new', idempotencyKey: 'reused' }), {
        ...unlimited,
        keysValidSince: after(1),
      })
      const queued = await store.find(uidOf('old'))
      if (queued === null) throw new Error('Upload not found.')
      const event = { status: 'QUEUED', source: 'SYNC', at: after(30) } as const
      await store.saveVersion(
        changeOf(queued, { status: 'QUEUED', updatedAt: after(30) }, { event }),
      )
      await store.deleteUnmatchedWebhooks('other')
      await store.saveUnmatchedWebhook('third', '{}', after(40))
      return readAll(store)
    })
    const source = sourceOf()
    expect(await copy()).toEqual({ kind: 'copied', summary: source.summary() })
    expect(await withPostgres(readAll)).toEqual(content)
    expect(await rowsInTarget()).toEqual(source.batchAfter('', 1000))
  })

  test('copies callbacks, and what has become of them when repeated', async () => {
    await withSqlite(async (store) => {
      for (const id of ['a', 'b']) {
        const upload = await mintWith(store, id, callbackOf(id, 1))
        await store.saveVersion({ ...changeOf(upload, {}), callback: callbackOf(id, 2) })
      }
    })
    await copy()
    const content = await withSqlite(async (store) => {
      const [first] = await store.callbacks.claimDeliveries(TARGET, after(10), 1, after(25))
      if (first === undefined) throw new Error('Nothing is due.')
      const result = { outcome: { kind: 'delivered' }, status: 204, error: null } as const
      await store.callbacks.recordResults([{ delivery: first, ...result }], after(11))
      return listAll(store)
    })
    expect(await copy()).toMatchObject({ kind: 'copied', summary: { callbacks: 4 } })
    expect(await withPostgres(listAll)).toEqual(content)
    const due = await withPostgres((store) =>
      store.callbacks.claimDeliveries(TARGET, after(12), 9, after(27)),
    )
    expect(due.map(({ event }) => event).toSorted((a, b) => a.id.localeCompare(b.id))).toEqual([
      callbackOf('b', 1).event,
      callbackOf('a', 2).event,
    ])
  })

  test('keeps a newer version in the target', async () => {
    await withSqlite((store) => mintIn(store, { id: 'one' }))
    await copy()
    await withPostgres(async (store) => {
      const upload = await store.find(uidOf('one'))
      if (upload === null) throw new Error('Upload not found.')
      await store.saveVersion(changeOf(upload, { status: 'QUEUED' }))
    })
    expect(await copy()).toMatchObject({
      kind: 'different',
      newerInTarget: 1,
      differences: [
        { label: 'PENDING_UPLOAD uploads', source: 1, target: 0 },
        { label: 'QUEUED uploads', source: 0, target: 1 },
        { label: 'recorded versions', source: 1, target: 2 },
        { label: 'reserved seconds', source: 600, target: 0 },
      ],
    })
    expect((await withPostgres(async (store) => store.find(uidOf('one'))))?.version).toBe(2)
  })

  test('resumes after an interruption', async () => {
    fillStore(file, { uploads: 2500, creators: 7, newest: after(-60) })
    await withSqlite(fillWithSamples)
    const source = sourceOf()
    let batches = 0
    const failing: UploadSource = {
      ...source,
      batchAfter(id, limit) {
        batches += 1
        if (batches > 2) throw new Error('interrupted')
        return source.batchAfter(id, limit)
      },
    }
    await expect(copy({ rowsPerBatch: 500 }, failing)).rejects.toThrow('interrupted')
    expect(await queryTarget('select count(*)::int from uploads')).toEqual([1000])

    const progress: number[] = []
    const onProgress = (rows: number, size: number): number => progress.push(rows, size)
    const outcome = await copy({ rowsPerBatch: 1000, onProgress })
    expect(outcome).toEqual({ kind: 'copied', summary: source.summary() })
    const size = 2500 + uploadStatuses.length + 2
    expect(progress).toEqual([1000, size, 2000, size, size, size])
    expect(await rowsInTarget()).toEqual(source.batchAfter('', 10_000))
    expect(await withPostgres(readAll)).toEqual(await withSqlite(readAll))
  })

  test('rolls back a batch that fails', async () => {
    await withSqlite(fillWithSamples)
    const source = sourceOf()
    const broken: UploadSource = {
      ...source,
      batchAfter(id, limit) {
        const batch = source.batchAfter(id, limit)
        return { ...batch, events: batch.events.map(withUnknownUpload) }
      },
    }
    await expect(copy({}, broken)).rejects.toThrow(/./)
    expect(await queryTarget('select count(*)::int from uploads')).toEqual([0])
  })

  describe('the reported differences', () => {
    test('contain an upload added after its batch, and the next copy includes it', async () => {
      await withSqlite(fillWithSamples)
      const outcome = await copy({
        onProgress() {
          // Its id sorts before those that were copied.
          fillStore(file, { uploads: 1, creators: 1, newest: after(500) })
        },
      })
      expect(outcome).toMatchObject({
        kind: 'different',
        newerInTarget: 0,
        differences: [
          { label: 'PENDING_UPLOAD uploads', source: 2, target: 1 },
          { label: 'recorded versions' },
          { label: 'events' },
          { label: 'reserved seconds' },
        ],
      })
      expect((await copy()).kind).toBe('copied')
    })

    test('contain a webhook saved after the webhooks were copied', async () => {
      await withSqlite(fillWithSamples)
      const source = sourceOf()
      const outcome = await copy(
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
      const differences = [{ label: 'webhooks', source: 4, target: 3 }]
      expect(outcome).toEqual({ kind: 'different', newerInTarget: 0, differences })
    })

    test('contain an upload whose version changed without its status', async () => {
      await withSqlite((store) => mintIn(store, { id: 'one' }))
      const outcome = await copy({
        onProgress() {
          const other = new Database(file)
          other.exec('update uploads set version = version + 1, received_bytes = 5')
          other.close()
        },
      })
      const differences = [{ label: 'recorded versions', source: 2, target: 1 }]
      expect(outcome).toEqual({ kind: 'different', newerInTarget: 0, differences })
    })

    test('contain uploads of the target, and its reservations and webhooks stay', async () => {
      await withSqlite(fillWithSamples)
      await copy()
      await withPostgres(async (store) => {
        await mintIn(store, { id: 'own' })
        await store.reserve(reservationOf({ id: 'own-reservation' }), unlimited)
        await store.saveUnmatchedWebhook('own', '{}', after(5))
      })
      expect(await copy()).toMatchObject({
        kind: 'different',
        newerInTarget: 1,
        differences: [
          { label: 'RESERVED reservations', source: 1, target: 2 },
          { label: 'PENDING_UPLOAD uploads', source: 1, target: 2 },
          { label: 'recorded versions' },
          { label: 'events' },
          { label: 'webhooks', source: 3, target: 4 },
          { label: 'reserved seconds' },
        ],
      })
    })

    test('contain stored seconds, and nothing for equal summaries', () => {
      const summary = {
        rows: new Map([['READY', 1]] as const),
        versions: 1,
        events: 1,
        webhooks: 0,
        callbacks: 0,
        reservedSeconds: 0,
        storedSeconds: 13,
      }
      expect(diffSummaries(summary, { ...summary, rows: new Map(summary.rows) })).toEqual([])
      expect(diffSummaries(summary, { ...summary, storedSeconds: 12 })).toEqual([
        { label: 'stored seconds', source: 13, target: 12 },
      ])
    })
  })

  describe('the deployment id', () => {
    test('replaces that of a target without uploads', async () => {
      const fresh = await withPostgres(async (store) => store.deployment)
      const name = await withSqlite(async (store) => {
        await fillWithSamples(store)
        return store.deployment
      })
      expect(name).not.toBe(fresh)
      expect((await copy()).kind).toBe('copied')
      expect(await withPostgres(async (store) => store.deployment)).toBe(name)
    })

    test('of a target with a row stays, and nothing is copied', async () => {
      const fresh = await withPostgres(async (store) => {
        await store.reserve(reservationOf({ id: 'theirs' }), unlimited)
        return store.deployment
      })
      const name = await withSqlite(async (store) => {
        await fillWithSamples(store)
        return store.deployment
      })
      expect(await copy()).toEqual({ kind: 'other-deployment', source: name, target: fresh })
      expect(await queryTarget('select id from uploads')).toEqual(['theirs'])
      expect(await queryTarget('select id from deployments')).toEqual([fresh])
    })

    test('is missing in a file that no gateway has used, which is not copied', async () => {
      openSqlite(file).connection.close()
      expect(await copy()).toEqual({ kind: 'no-deployment-id' })
    })
  })

  test('rejects a file with pending migrations or without a database', () => {
    const empty = new Database(file)
    empty.exec('create table something (id)')
    empty.close()
    const { connection, applied } = openSqlite(':memory:')
    connection.close()
    expect(openSqliteSource(file)).toEqual({ kind: 'not-migrated', migrations: applied })
    expect(() => openSqliteSource(join(folder, 'missing.db'))).toThrow(/./)
    expect(() => openSqliteSource(folder)).toThrow(/./)
  })

  test('runs one copy into a database at a time', async () => {
    await withSqlite(fillWithSamples)
    const other = await open().connect()
    await other.query('select pg_advisory_lock(720404)')
    expect(await copy()).toEqual({ kind: 'busy' })
    await other.end()
    expect(await queryTarget('select count(*)::int from uploads')).toEqual([0])
  })

  test('migrates an empty database first', async () => {
    const empty = await createEmptyDatabase()
    onTestFinished(() => empty.drop())
    await withSqlite(fillWithSamples)
    const source = sourceOf()
    const postgres = open(empty)
    const outcome = await copyStore(source, postgres)
    await postgres.close()
    expect(outcome).toEqual({ kind: 'copied', summary: source.summary() })
  })

  test('a gateway continues with the copied rows', async () => {
    const [due, previous] = await withSqlite(async (store) => {
      await fillWithSamples(store)
      const uid = uidOf('upload-2')
      return [
        await store.find(uid),
        await store.findByKey('requester 1', 'schlüssel 🔑 1', after(0)),
      ]
    })
    await copy()
    await withPostgres(async (store) => {
      const again = { id: 'again', requestedBy: 'requester 1', idempotencyKey: 'schlüssel 🔑 1' }
      expect(await store.reserve(reservationOf(again), unlimited)).toEqual({
        kind: 'key-in-use',
        ...previous,
      })
      const dueUploads = await store.findDue(after(250), 100)
      expect(dueUploads).toContainEqual({
        upload: due,
        idlePolls: 2,
        missingPolls: 0,
      })
      const minted = { uid: uidOf('waiting'), uploadURL: 'https://upload.example.com/waiting' }
      const waiting = reservationOf({ id: 'waiting' })
      expect((await store.mint(waiting, minted, after(10), after(20)))?.version).toBe(1)
      const before = await store.quotaUsage('bob')
      await mintIn(store, { id: 'new', creator: 'bob' })
      const { reservedSeconds } = await store.quotaUsage('bob')
      expect(reservedSeconds - before.reservedSeconds).toBe(600)
    })
  })
})
