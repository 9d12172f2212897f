/** The D1 keeper on real D1 in workerd: the contract of every keeper, and what is D1's own. */
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { createD1Store } from '../../src/store/d1/d1-store.ts'
import type { UploadStore } from '../../src/uploads/ports/upload-store.ts'
import { StoreUnavailable } from '../../src/uploads/ports/store-unavailable.ts'
import { changeOf, freely, mintIn, numbered, uidOf } from '../contracts/store-suite.ts'
import { describeUploadStore } from '../contracts/upload-store.ts'
import { type D1Server, d1Migrations, migrateD1, overhear, startD1 } from '../kit/d1.ts'
import { after, reservationOf } from '../kit/samples.ts'

// Each question goes from Node to workerd and back: some tests ask more than a thousand.
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

/** Two Workers' stores on one database, and a way to look into it. */
async function openTwo() {
  const { database, open, drop } = await server.create()
  onTestFinished(drop)
  const [one, other] = [await createD1Store(database), await createD1Store(await open())]
  const turns = (place: number): UploadStore => (place % 2 === 0 ? one : other)
  const numberOf = async (query: string) => (await database.prepare(query).raw())[0]?.[0]
  return { one, other, turns, database, numberOf }
}

async function failureOf(work: unknown): Promise<unknown> {
  return Promise.resolve(work).then(
    () => expect.unreachable('It did not fail.'),
    (error: unknown) => error,
  )
}

describe('several Workers', () => {
  test('that open a new database at the same time give it one name', async () => {
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

  test('that race for one key, and for the room of one creator, get what one would', async () => {
    const { one, turns, numberOf } = await openTwo()
    const rules = { creatorQuotaSeconds: 6000, forgetKeysBefore: after(0) }
    const outcomes = await Promise.all(
      numbered(60).map((id, place) => {
        const idempotencyKey = place < 30 ? 'key' : null
        return turns(place).reserve(reservationOf({ id, idempotencyKey }), rules)
      }),
    )
    const kinds = outcomes.map(({ kind }) => kind)
    expect(kinds.filter((kind) => kind === 'reserved')).toHaveLength(10)
    expect(kinds.slice(0, 30).filter((kind) => kind === 'reserved').length).toBeLessThanOrEqual(1)
    expect(await numberOf('select count(*) from uploads')).toBe(10)
    expect(await one.quotaUsage('alice')).toEqual({ reservedSeconds: 6000, storedSeconds: 0 })
  })

  test('that record the same version, word for word, record it and its event once', async () => {
    const { one, turns } = await openTwo()
    let upload = await mintIn(one, { id: 'one' })
    const statuses = ['QUEUED', 'IN_PROGRESS', 'READY', 'DELETED'] as const
    for (const status of statuses) {
      const event = { status, source: 'SYNC', at: after(5) } as const
      const change = changeOf(upload, { status }, { event })
      const outcomes = await Promise.all(
        numbered(20).map((_, place) => turns(place).saveVersion(change)),
      )
      expect(outcomes.filter(Boolean)).toHaveLength(1)
      upload = change.upload
    }
    expect(await one.find(upload.uid)).toEqual(upload)
    const history = (await one.historyOf(['one'])).get('one') ?? []
    expect(history.map(({ status }) => status)).toEqual(['PENDING_UPLOAD', ...statuses])
  })

  test('of which one mints while the other gives up leave an upload with its event, or neither', async () => {
    const { one, other, numberOf } = await openTwo()
    for (const [place, id] of numbered(12).entries()) {
      await one.reserve(reservationOf({ id }), freely)
      const minted = { uid: uidOf(id), uploadURL: 'https://upload.example.com/x' }
      const mint = () => one.mint(id, minted, after(1), after(15))
      const giveUp = () => (place % 4 < 2 ? other.release(id) : other.retire(id))
      await Promise.all(place % 2 === 0 ? [mint(), giveUp()] : [giveUp(), mint()])
    }
    const uploads = await numberOf('select count(*) from uploads where uid is not null')
    expect(await numberOf('select count(*) from upload_events')).toBe(uploads)
    expect(await one.count({})).toBe(uploads)
  })

  test('claim what is due once between them, also where all of it is due at one time', async () => {
    const { one, turns } = await openTwo()
    for (const id of numbered(40)) await mintIn(one, { id })
    const claims = await Promise.all(
      numbered(6).map((_, place) => turns(place).claimDue(after(15), 5, after(45))),
    )
    const claimed = claims.flatMap((due) => due.map(({ upload }) => upload.id))
    expect([claimed.length, new Set(claimed).size]).toEqual([30, 30])
    expect(await one.claimDue(after(15), 99, after(45))).toHaveLength(10)
  })
})

describe('what fails', () => {
  test('leaves nothing of what belongs together, and tells nobody what was given', async () => {
    const { one, numberOf } = await openTwo()
    await mintIn(one, { id: 'first' })
    await one.reserve(reservationOf({ id: 'second' }), freely)
    const minted = { uid: uidOf('first'), uploadURL: 'https://upload.example.com/secret' }
    const error = await failureOf(one.mint('second', minted, after(1), after(15)))
    expect(error).not.toBeInstanceOf(StoreUnavailable)
    expect(inspect(error)).toContain('UNIQUE constraint failed: uploads.uid')
    expect(inspect(error)).not.toMatch(/secret|uid-of-first/)
    expect(await numberOf("select count(*) from upload_events where upload_id = 'second'")).toBe(0)
    expect((await one.pendingReservations(after(1), 9)).map(({ id }) => id)).toEqual(['second'])
    // A reference is never drawn twice; where it is, that is no key that was taken.
    const again = await failureOf(one.reserve(reservationOf({ id: 'second' }), freely))
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
  ])('because the database does not answer says so: %s', async (sentence) => {
    const { database } = await openTwo()
    let isAway = false
    const store = await createD1Store(
      overhear(database, () => {
        if (isAway) throw new Error(sentence, { cause: new Error('secret') })
      }),
    )
    isAway = true
    const whole = store.mint('a', { uid: 'b', uploadURL: 'c' }, after(0), after(1))
    for (const error of [await failureOf(store.find('uid')), await failureOf(whole)]) {
      expect(error).toBeInstanceOf(StoreUnavailable)
      expect(inspect(error)).not.toContain('secret')
    }
    isAway = false
    expect(await store.find('uid')).toBeNull()
  })

  test('with a value in its sentence is told without it', async () => {
    const { database } = await openTwo()
    let isOpen = false
    const store = await createD1Store(
      overhear(database, () => {
        if (isOpen) throw new Error("D1_TYPE_ERROR: Type 'x' not supported for value 'secret'")
      }),
    )
    isOpen = true
    const error = await failureOf(store.find('uid'))
    expect(inspect(error)).toContain("D1: D1_TYPE_ERROR: Type 'x' not supported\n")
    expect(inspect(error)).not.toContain('secret')
  })
})

describe('a database that is not migrated', () => {
  const refusal = /pending migrations.*wrangler d1 migrations apply/

  test('is refused, whatever it lacks', async () => {
    const database = await server.createEmpty()
    const migrations = d1Migrations()
    for (const migration of migrations) {
      await expect(createD1Store(database)).rejects.toThrow(refusal)
      await migrateD1(database, [migration])
    }
    await expect(createD1Store(database)).resolves.toHaveProperty('isShared', true)
    // The tallies would be wrong, and nobody would see it.
    await database.prepare('drop trigger upload_removed').raw()
    await expect(createD1Store(database)).rejects.toThrow(refusal)
  })

  /**
   * D1 takes a migration as one text, and finds the ends of its statements by these words, in capitals.
   * https://github.com/cloudflare/workers-sdk/issues/15314
   */
  test('is made by migrations whose triggers begin and end as D1 sees it', () => {
    const statements = d1Migrations().flat()
    expect(statements.filter((statement) => statement.includes('\r'))).toEqual([])
    const made = statements
      .map((statement) => statement.replaceAll(/^\s*--.*$/gm, '').trim())
      .filter((statement) => /^create\s+trigger\b/i.test(statement))
    expect(made).toHaveLength(3)
    expect(made.filter((one) => !/^[^;]*\sBEGIN\s(?:[^;]*;)+\s*END;$/.test(one))).toEqual([])
    expect(made.filter((one) => /\bcase\b|\bbegin\b|\bend\b/.test(one))).toEqual([])
    expect(made.filter((one) => /\bCASE\b/.test(one))).toEqual([])
  })
})
