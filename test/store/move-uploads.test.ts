/** A deployment that moves from SQLite to PostgreSQL: real files, a real server, both read by their ports. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { asc } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { openPostgres } from '../../src/postgres/postgres.ts'
import { differencesOf } from '../../src/store/moving/census.ts'
import { eventColumns, uploadColumns } from '../../src/store/moving/moved.ts'
import { type MoveOptions, moveUploads } from '../../src/store/moving/move-uploads.ts'
import { type UploadSource, openSource } from '../../src/store/moving/open-source.ts'
import { createPostgresStore } from '../../src/store/postgres/store.ts'
import { uploadEvents, uploads } from '../../src/store/postgres/tables.ts'
import { createSqliteStore } from '../../src/store/sqlite/sqlite.ts'
import type { UploadStore } from '../../src/store/store.ts'
import { uploadStatuses } from '../../src/uploads/upload.ts'
import { changeOf, freely, mintIn, numbered, uidOf } from '../contracts/store-suite.ts'
import { fillStore } from '../kit/fill-store.ts'
import {
  type TestDatabase,
  createEmptyDatabase,
  createTestDatabase,
  describeWithPostgres,
} from '../kit/postgres.ts'
import { after, reservationOf } from '../kit/samples.ts'

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
  const opened = openSource(path)
  if (opened.kind !== 'source') throw new Error('The file lacks migrations.')
  onTestFinished(() => opened.source.close())
  return opened.source
}

async function move(options: MoveOptions = {}, source = sourceOf()) {
  const postgres = open()
  try {
    return await moveUploads(source, postgres, options)
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

async function askTarget(statement: string): Promise<readonly unknown[]> {
  const postgres = open()
  try {
    const { rows } = await postgres.pool.query({ text: statement, rowMode: 'array' })
    return rows.flat()
  } finally {
    await postgres.close()
  }
}

/** An upload in each status, with all that it can hold, and one of each other kind of row. */
async function fill(store: UploadStore): Promise<void> {
  for (const [place, status] of uploadStatuses.entries()) {
    const upload = await mintIn(store, {
      id: `upload-${place}`,
      protocol: place % 2 === 0 ? 'TUS' : 'BASIC',
      creator: place % 2 === 0 ? "o'hara; \\ {\"a\",NULL} --" : 'Zoë 🎬',
      name: place === 0 ? null : `${status} {"quoted", \\back\\slash}\n\t'NULL' 日本語 👩‍👩‍👧.mp4`,
      meta: {
        nested: { list: [1, -2.5e-7, 1e21, null, true, { deeper: ['ü', '\u0000', '\\u0000'] }] },
        'quote"key': "it's",
        '10': 'first of its kind',
        '2': 'before it',
        big: Number.MAX_SAFE_INTEGER,
      },
      constraints: {
        maxDurationSeconds: 36_000,
        maxSizeBytes: Number.MAX_SAFE_INTEGER,
        allowedOrigins: place === 0 ? [] : ['example.com', '*.example.com'],
        requireSignedURLs: place % 2 === 1,
        scheduledDeletion: place === 0 ? null : new Date('2029-02-28T23:59:59.999Z'),
      },
      createdAt: after(place + 0.001),
      totalBytes: place === 0 ? null : 30_000_000_001,
      idempotencyKey: place === 0 ? null : `schlüssel 🔑 ${place}`,
      requestedBy: `requester ${place % 3}`,
    })
    if (status === 'PENDING_UPLOAD') continue
    const isReady = status === 'READY'
    const change = changeOf(
      upload,
      {
        status,
        updatedAt: after(place + 1.999),
        progress: {
          totalBytes: 30_000_000_001,
          receivedBytes: 29_999_999_999,
          encodingPercent: 39.1 + place / 3,
        },
        failure:
          status === 'ERROR' ? { code: 'ERR_NON_VIDEO', message: 'Das ist kein „Video“.' } : null,
        video: isReady
          ? {
              durationSeconds: 12.345678901234,
              width: 3840,
              height: 2160,
              sizeBytes: 29_999_999_999,
              hlsURL: "https://example.com/video.m3u8?a={b},'c'",
              dashURL: 'https://example.com/video.mpd',
              thumbnailURL: 'https://example.com/thumbnail.jpg',
              previewURL: null,
              readyAt: after(place + 1.5),
            }
          : null,
        describedAt: isReady ? after(place + 1.002) : null,
        goneAt: status === 'DELETED' ? after(place + 1.003) : null,
      },
      {
        event: { status, source: 'WEBHOOK', at: after(place + 1.25) },
        holds: { reservedSeconds: isReady ? 0 : 36_000, storedSeconds: isReady ? 13 : 0 },
        checkAt: place % 2 === 0 ? after(100 + place) : null,
      },
    )
    if (!(await store.advance(change))) throw new Error('The upload was not advanced.')
    const [uid, version] = [upload.uid, 2]
    if (place % 2 === 0) {
      await store.reschedule([{ uid, version, checkAt: after(200 + place), idleChecks: place }])
    }
  }
  await store.reserve(
    reservationOf({ id: 'waiting', creator: 'bob', idempotencyKey: 'waits', totalBytes: 7 }),
    freely,
  )
  await store.reserve(reservationOf({ id: 'given-up', creator: 'bob' }), freely)
  await store.retire('given-up')
  await store.keepNotice('stranger', '{"second":"ü"}', after(3))
  await store.keepNotice('stranger', '{"first":"\\u0000"}', after(2))
  await store.keepNotice('other', '{"second":"ü"}', after(4))
}

/** All that a port tells without changing anything. */
async function toldBy(store: UploadStore) {
  const all = await store.list({}, { towards: 'older', limit: 10_000 })
  const ids = [...all.map(({ id }) => id), 'waiting', 'given-up']
  return {
    deployment: store.deployment,
    all,
    histories: await store.historyOf(ids),
    fates: await store.knownReferences(ids),
    unsettled: await store.unsettled(after(1000), 100),
    counts: await store.countByStatus(),
    reservations: await store.countReservations(),
    tus: await store.count({ protocol: 'TUS' }),
    holdings: await Promise.all(
      [undefined, 'Zoë 🎬', 'bob', 'creator-3'].map((creator) => store.holdings(creator)),
    ),
    notices: await Promise.all(['stranger', 'other'].map((uid) => store.keptNotices(uid))),
    oldestDue: await store.oldestDue(),
    keyed: await store.findByKey('requester 1', 'schlüssel 🔑 1', after(-1000)),
    waiting: await store.findByKey('alice', 'waits', after(-1000)),
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
    expect(outcome).toEqual({ kind: 'moved', census: source.census() })
    expect(await withPostgres(toldBy)).toEqual(told)
    expect(await rowsInTarget()).toEqual(source.batchAfter('', 1000))
    // JSON with its order and escapes, and tallies that are folded.
    const [{ meta }] = source.batchAfter('', 1).uploads.slice(0, 1).map((row) => row)
    const [text] = await askTarget('select meta::text from uploads order by id limit 1')
    expect(text).toBe(JSON.stringify(meta))
    expect(await askTarget('select count(*)::int from upload_tally_changes')).toEqual([0])
  })
})
