/** Microseconds per call of the SQLite store, by number of uploads in the file. */
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { createSqliteStore } from '../../../src/store/sqlite/sqlite-store.ts'
import type { UploadStore } from '../../../src/uploads/ports/upload-store.ts'
import type { Upload } from '../../../src/uploads/upload.ts'
import { changeOf } from '../../contracts/store-suite.ts'
import { fillStore } from '../../kit/fill-store.ts'
import { reservationOf } from '../../kit/samples.ts'

/** Numbers of uploads in the file; one column each. */
const ROWS = (process.env['HEADGATE_BENCH_ROWS'] ?? '1000,100000').split(',').map(Number)
const CREATORS = 100
const NEWEST = new Date('2026-03-01T12:00:00.000Z')
const BATCHES = 100
/** Reads per batch, which is timed as a whole. */
const READS = 50
/** Writes per batch, which share a commit. */
const WRITES = 50

const folder = mkdtempSync(join(tmpdir(), 'headgate-bench-store-'))
const figures = new Map<string, Record<string, number>>()

afterAll(async () => {
  // oxlint-disable-next-line no-console -- prints the results
  console.table(Object.fromEntries(figures))
  await rm(folder, { recursive: true, force: true })
})

const creatorOf = (index: number) => `creator-${index % CREATORS}`

/** Records the 10th percentile of the batches, which excludes interference by other processes. */
async function measure(
  rows: number,
  title: string,
  calls: number,
  batch: (index: number) => Promise<unknown>,
): Promise<void> {
  const times: number[] = []
  for (let index = 0; index < BATCHES; index += 1) {
    const startedAt = performance.now()
    await batch(index)
    times.push(((performance.now() - startedAt) * 1000) / calls)
  }
  const figure = times.toSorted((a, b) => a - b)[BATCHES / 10] ?? 0
  figures.set(title, { ...figures.get(title), [`${rows} rows`]: Math.round(figure * 10) / 10 })
}

function measureReads(
  rows: number,
  title: string,
  read: (index: number) => Promise<unknown>,
): Promise<void> {
  return measure(rows, title, READS, async (batch) => {
    for (let index = 0; index < READS; index += 1) await read(batch * READS + index)
  })
}

/** Calls `perform` concurrently for a whole batch, as with many concurrent callers. */
function measureWrites(
  rows: number,
  title: string,
  perform: (index: number) => Promise<unknown>,
): Promise<void> {
  return measure(rows, title, WRITES, (batch) =>
    Promise.all(Array.from({ length: WRITES }, (_, index) => perform(batch * WRITES + index))),
  )
}

it.each(ROWS)('measures every call with %d uploads', async (rows) => {
  const file = join(folder, `${rows}.db`)
  const uids = fillStore(file, { uploads: rows, creators: CREATORS, newest: NEWEST })
  const store = createSqliteStore(file)
  expect(await store.count({})).toBe(rows)
  expect(await store.count({ creator: 'creator-7' })).toBe(rows / CREATORS)
  await measureAllReads(store, rows, uids)
  await measureAllWrites(store, rows)
  await store.close()
})

async function measureAllReads(
  store: UploadStore,
  rows: number,
  uids: readonly string[],
): Promise<void> {
  const page = { direction: 'older', limit: 21 } as const
  const deep = (index: number) => {
    const age = 1000 * Math.floor(rows * ((index * 0.618) % 1))
    return { ...page, from: { createdAt: new Date(NEWEST.getTime() - age), id: 'x' } }
  }
  await measureReads(rows, 'find', async (index) =>
    store.find(uids[(index * 389) % uids.length] ?? ''),
  )
  await measureReads(rows, 'list 21 of a creator', (index) =>
    store.list({ creator: creatorOf(index) }, page),
  )
  await measureReads(rows, 'list 21 from any cursor', (index) => store.list({}, deep(index)))
  await measureReads(rows, 'count of a creator', (index) =>
    store.count({ creator: creatorOf(index) }),
  )
  await measureReads(rows, 'countByStatus', () => store.countByStatus())
  await measureReads(rows, 'quotaUsage of all', () => store.quotaUsage())
  await measureReads(rows, 'quotaUsage of a creator', (index) => store.quotaUsage(creatorOf(index)))
  await measureReads(rows, 'oldestDuePoll', () => store.oldestDuePoll())
  await measureReads(rows, 'deleteUnmatchedWebhooksBefore, none to delete', () =>
    store.deleteUnmatchedWebhooksBefore(NEWEST),
  )
}

async function measureAllWrites(store: UploadStore, rows: number): Promise<void> {
  const rules = { creatorQuotaSeconds: 1e9, keysValidSince: NEWEST }
  const ids = Array.from({ length: BATCHES * WRITES }, () => randomUUID())
  const minted: Upload[] = []
  await measureWrites(rows, 'reserve', (index) => {
    const creator = creatorOf(index)
    const createdAt = new Date(NEWEST.getTime() + index)
    return store.reserve(reservationOf({ id: ids[index] ?? '', creator, createdAt }), rules)
  })
  await measureWrites(rows, 'mint', async (index) => {
    const uid = randomBytes(16).toString('hex')
    const uploadURL = `https://upload.example.com/${uid}`
    const upload = await store.mint(
      reservationOf({ id: ids[index] ?? '' }),
      { uid, uploadURL },
      NEWEST,
      NEWEST,
    )
    if (upload !== null) minted.push(upload)
  })
  expect(minted).toHaveLength(ids.length)
  const event = { status: 'QUEUED', source: 'SYNC', at: NEWEST } as const
  const quotaUsage = { reservedSeconds: 600, storedSeconds: 0 }
  const changes = minted.map((upload) =>
    changeOf(upload, { status: 'QUEUED' }, { event, quotaUsage }),
  )
  await measureWrites(rows, 'saveVersion', async (index) => {
    const change = changes[index]
    if (change !== undefined) await store.saveVersion(change)
  })
}
