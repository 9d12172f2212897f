/** Runs the store contract against D1 in workerd, and tests what is specific to D1. */
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { createD1Store } from '../../src/store/d1/d1-store.ts'
import type { UploadStore } from '../../src/uploads/ports/upload-store.ts'
import { StoreUnavailable } from '../../src/uploads/ports/store-unavailable.ts'
import { changeOf, unlimited, mintIn, numbered, uidOf } from '../contracts/store-suite.ts'
import { describeUploadStore } from '../contracts/upload-store.ts'
import { type D1Server, d1Migrations, migrateD1, observeQueries, startD1 } from '../kit/d1.ts'
import { after, reservationOf } from '../kit/samples.ts'

// Each query travels from Node to workerd and back, and some tests make more than a thousand.
vi.setConfig({ testTimeout: 60_000 })

let server: D1Server
beforeAll(async () => {
  server = await startD1()
})
afterAll(() => server.stop())

describeUploadStore('D1', async () => {
  const { database, open, drop } = await server.create()
  let store = await createD1Store(database)
  onTestFinished(drop)
  return {
    store,
    async reopen() {
      await store.close()
      store = await createD1Store(await open())
      return store
    },
  }
})

/** Opens the stores of two Workers on one database, with a function that reads one value from it. */
async function openTwoStores() {
  const { database, open, drop } = await server.create()
  onTestFinished(drop)
  const [one, other] = [await createD1Store(database), await createD1Store(await open())]
  const roundRobin = (index: number): UploadStore => (index % 2 === 0 ? one : other)
  const readNumber = async (query: string) => (await database.prepare(query).raw())[0]?.[0]
  return { one, other, roundRobin, database, readNumber }
}

async function failureOf(work: unknown): Promise<unknown> {
  return Promise.resolve(work).then(
    () => expect.unreachable('The call did not fail.'),
    (error: unknown) => error,
  )
}

describe('several Workers', () => {
  test('share one deployment id when they open a new database at the same time', async () => {
    const { database, open, drop } = await server.create()
    onTestFinished(drop)
    const bindings = await Promise.all(numbered(8).map(() => open()))
    const stores = await Promise.all(bindings.map(createD1Store))
    expect(new Set(stores.map(({ deployment }) => deployment)).size).toBe(1)
    expect(new Set(stores.map(({ isShared }) => isShared))).toEqual(new Set([true]))
    expect(await database.prepare('select id from deployments').raw()).toEqual([
      [stores[0]?.deployment],
    ])
  })

  test('grant one key and one quota consistently under concurrent reservations', async () => {
    const { one, roundRobin, readNumber } = await openTwoStores()
    const rules = { creatorQuotaSeconds: 6000, keysValidSince: after(0) }
    const outcomes = await Promise.all(
      numbered(60).map((id, index) => {
        const idempotencyKey = index < 30 ? 'key' : null
        return roundRobin(index).reserve(reservationOf({ id, idempotencyKey }), rules)
      }),
    )
    const kinds = outcomes.map(({ kind }) => kind)
    expect(kinds.filter((kind) => kind === 'reserved')).toHaveLength(10)
    expect(kinds.slice(0, 30).filter((kind) => kind === 'reserved').length).toBeLessThanOrEqual(1)
    expect(await readNumber('select count(*) from uploads')).toBe(10)
    expect(await one.quotaUsage('alice')).toEqual({ reservedSeconds: 6000, storedSeconds: 0 })
  })

  test('record an identical version and its event once when they save it concurrently', async () => {
    const { one, roundRobin } = await openTwoStores()
    let upload = await mintIn(one, { id: 'one' })
    const statuses = ['QUEUED', 'IN_PROGRESS', 'READY', 'DELETED'] as const
    for (const status of statuses) {
      const event = { status, source: 'SYNC', at: after(5) } as const
      const change = changeOf(upload, { status }, { event })
      const outcomes = await Promise.all(
        numbered(20).map((_, index) => roundRobin(index).saveVersion(change)),
      )
      expect(outcomes.filter(Boolean)).toHaveLength(1)
      upload = change.upload
    }
    expect(await one.find(upload.uid)).toEqual(upload)
    const history = (await one.historyOf(['one'])).get('one') ?? []
    expect(history.map(({ status }) => status)).toEqual(['PENDING_UPLOAD', ...statuses])
  })

  test('mint or release a reservation atomically when both happen concurrently', async () => {
    const { one, other, readNumber } = await openTwoStores()
    for (const [index, id] of numbered(12).entries()) {
      const reservation = reservationOf({ id })
      await one.reserve(reservation, unlimited)
      const minted = { uid: uidOf(id), uploadURL: 'https://upload.example.com/x' }
      const mint = () => one.mint(reservation, minted, after(1), after(15))
      const discard = () => (index % 4 < 2 ? other.release(id) : other.retire(id))
      await Promise.all(index % 2 === 0 ? [mint(), discard()] : [discard(), mint()])
    }
    const uploads = await readNumber('select count(*) from uploads where uid is not null')
    expect(await readNumber('select count(*) from upload_events')).toBe(uploads)
    expect(await one.count({})).toBe(uploads)
  })
})

describe('a failure', () => {
  test('leaves no partial write and reveals no parameter values', async () => {
    const { one, readNumber } = await openTwoStores()
    await mintIn(one, { id: 'first' })
    const second = reservationOf({ id: 'second' })
    await one.reserve(second, unlimited)
    const minted = { uid: uidOf('first'), uploadURL: 'https://upload.example.com/secret' }
    const error = await failureOf(one.mint(second, minted, after(1), after(15)))
    expect(error).not.toBeInstanceOf(StoreUnavailable)
    expect(inspect(error)).toContain('UNIQUE constraint failed: uploads.uid')
    expect(inspect(error)).not.toMatch(/secret|uid-of-first/)
    expect(await readNumber("select count(*) from upload_events where upload_id = 'second'")).toBe(
      0,
    )
    expect((await one.pendingReservations(after(1), 9)).map(({ id }) => id)).toEqual(['second'])
    // A duplicate reservation id is an error, and is not reported as a key in use.
    const again = await failureOf(one.reserve(reservationOf({ id: 'second' }), unlimited))
    expect(inspect(again)).toContain('UNIQUE constraint failed: uploads.id')
  })

  test.each([
    'D1_ERROR: Network connection lost.',
    'D1_ERROR: D1 DB is overloaded. Requests queued for too long.',
    'D1_ERROR: D1 DB storage operation exceeded timeout which caused object to be reset.',
    'D1_ERROR: Internal error while starting up D1 DB storage caused object to be reset.',
    'D1_ERROR: internal error; reference = 0123456789',
    'D1_ERROR: D1 DB reset because its code was updated.',
    "D1_ERROR: D1 DB's isolate exceeded its memory limit and was reset.",
    'D1_ERROR: Cannot resolve D1 DB due to transient issue on remote node.',
    'D1_ERROR: Failed to parse body as JSON, got: <html>secret</html>',
    'D1_ERROR: Exceeded maximum DB size',
    'D1_ERROR: database is locked: SQLITE_BUSY',
    'D1_ERROR: attempt to write a readonly database: SQLITE_READONLY',
    'D1_ERROR: database disk image is malformed: SQLITE_CORRUPT',
    'D1_ERROR: unable to open database file: SQLITE_CANTOPEN',
    'Too many API requests by single worker invocation.',
  ])('becomes StoreUnavailable when the database is unavailable: %s', async (message) => {
    const { database } = await openTwoStores()
    let isUnavailable = false
    const store = await createD1Store(
      observeQueries(database, () => {
        if (isUnavailable) throw new Error(message, { cause: new Error('secret') })
      }),
    )
    isUnavailable = true
    const batch = store.mint(reservationOf(), { uid: 'b', uploadURL: 'c' }, after(0), after(1))
    for (const error of [await failureOf(store.find('uid')), await failureOf(batch)]) {
      expect(error).toBeInstanceOf(StoreUnavailable)
      expect(inspect(error)).not.toContain('secret')
    }
    isUnavailable = false
    expect(await store.find('uid')).toBeNull()
  })

  test('is reported without the parameter value in its message', async () => {
    const { database } = await openTwoStores()
    let hasStarted = false
    const store = await createD1Store(
      observeQueries(database, () => {
        if (hasStarted) throw new Error("D1_TYPE_ERROR: Type 'x' not supported for value 'secret'")
      }),
    )
    hasStarted = true
    const error = await failureOf(store.find('uid'))
    expect(inspect(error)).toContain("D1: D1_TYPE_ERROR: Type 'x' not supported\n")
    expect(inspect(error)).not.toContain('secret')
  })
})

describe('a database that is not migrated', () => {
  const pendingMigrations = /pending migrations.*wrangler d1 migrations apply/

  test('is rejected while any migration is pending', async () => {
    const database = await server.createEmpty()
    const migrations = d1Migrations()
    for (const migration of migrations) {
      await expect(createD1Store(database)).rejects.toThrow(pendingMigrations)
      await migrateD1(database, [migration])
    }
    await expect(createD1Store(database)).resolves.toHaveProperty('isShared', true)
    // Without the trigger the totals would become wrong unnoticed.
    await database.prepare('drop trigger upload_removed').raw()
    await expect(createD1Store(database)).rejects.toThrow(pendingMigrations)
  })

  /**
   * D1 splits a migration into statements by the upper-case keywords BEGIN and END.
   * https://github.com/cloudflare/workers-sdk/issues/15314
   */
  test('has migrations whose triggers D1 can split into statements', () => {
    const statements = d1Migrations().flat()
    expect(statements.filter((statement) => statement.includes('\r'))).toEqual([])
    const triggers = statements
      .map((statement) => statement.replaceAll(/^\s*--.*$/gm, '').trim())
      .filter((statement) => /^create\s+trigger\b/i.test(statement))
    expect(triggers).toHaveLength(8)
    expect(
      triggers.filter((trigger) => !/^[^;]*\sBEGIN\s(?:[^;]*;)+\s*END;$/.test(trigger)),
    ).toEqual([])
    expect(triggers.filter((trigger) => /\bcase\b|\bbegin\b|\bend\b/.test(trigger))).toEqual([])
    expect(triggers.filter((trigger) => /\bCASE\b/.test(trigger))).toEqual([])
  })
})
