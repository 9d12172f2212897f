/** Events between gateways on one PostgreSQL: the contract of every carrier, and what may go wrong between two. */
import { describe, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../src/shared/clock.ts'
import {
  type PostgresPubSub,
  createPostgresPubSub,
} from '../../src/pubsub/postgres/postgres-pubsub.ts'
import { type Postgres, openPostgres } from '../../src/postgres/connection-pool.ts'
import { createPostgresStore } from '../../src/store/postgres/postgres-store.ts'
import type { UploadStore } from '../../src/uploads/ports/upload-store.ts'
import type { Logger } from '../../src/shared/logger.ts'
import type { Clock } from '../../src/shared/clock.ts'
import { describeUploadEvents } from '../contracts/upload-pubsub.ts'
import { type TestClock, createTestClock } from '../kit/clock.ts'
import { createTestDatabase, describeWithPostgres } from '../kit/postgres.ts'
import { uploadOf } from '../kit/samples.ts'
import { putUpload } from './save-upload.ts'

const silent: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}

/** Whoever looks and listens on a connection of its own, and not the pools. */
const TERMINATE_LISTENERS = `select pg_terminate_backend(pid) from pg_stat_activity
  where datname = current_database() and pid <> pg_backend_pid()
    and query ~ '^(listen|select pg_current_snapshot)'`

/** One gateway's part of it. */
interface Gateway {
  readonly postgres: Postgres
  readonly events: PostgresPubSub
  /** How often each upload was read. */
  readonly reads: Map<string, number>
}

async function startGateway(url: string, clock: Clock = systemClock): Promise<Gateway> {
  const postgres = openPostgres({ url, connections: 4 }, () => undefined)
  const store: UploadStore = await createPostgresStore(postgres)
  const reads = new Map<string, number>()
  const events = await createPostgresPubSub({
    postgres,
    clock,
    log: silent,
    read(uids) {
      for (const uid of uids) reads.set(uid, (reads.get(uid) ?? 0) + 1)
      return store.findMany(uids)
    },
  })
  return { postgres, events, reads }
}

async function stop({ events, postgres }: Gateway): Promise<void> {
  await events.close()
  await postgres.close()
}

/** Two, whose clock stands still unless the test moves it: nobody looks by itself. */
async function twoGateways(): Promise<{ one: Gateway; other: Gateway; clock: TestClock }> {
  const database = await createTestDatabase()
  const clock = createTestClock()
  const [one, other] = [
    await startGateway(database.url, clock),
    await startGateway(database.url, clock),
  ]
  onTestFinished(async () => {
    await stop(one)
    await stop(other)
    await database.drop()
  })
  return { one, other, clock }
}

/** Resolves with what is heard next at each call, as uid and version. */
function hear({ events }: Gateway, topic: Parameters<PostgresPubSub['subscribe']>[0]) {
  const heard: string[] = []
  let arrived: (() => void) | null = null
  events.subscribe(topic, ({ uid, version }) => {
    heard.push(`${uid}${version}`)
    arrived?.()
  })
  return {
    heard,
    async until(count: number): Promise<readonly string[]> {
      while (heard.length < count) {
        await new Promise<void>((resolve) => {
          arrived = resolve
        })
      }
      return heard
    },
  }
}

describeWithPostgres('PostgreSQL', () => {
  describeUploadEvents('One gateway on PostgreSQL', async () => {
    const database = await createTestDatabase()
    const gateway = await startGateway(database.url)
    return {
      events: gateway.events,
      delivered: () => gateway.events.catchUp(),
      async close() {
        await stop(gateway)
        await database.drop()
      },
    }
  })

  describeUploadEvents('From one gateway on PostgreSQL to another', async () => {
    const database = await createTestDatabase()
    const [one, other] = [await startGateway(database.url), await startGateway(database.url)]
    return {
      events: {
        publish: (upload) => one.events.publish(upload),
        subscribe: (topic, listener) => other.events.subscribe(topic, listener),
      },
      record: (upload) => putUpload(one.postgres, upload),
      async delivered() {
        await one.events.catchUp()
        await other.events.catchUp()
      },
      async close() {
        await stop(one)
        await stop(other)
        await database.drop()
      },
    }
  })

  describe('between gateways', () => {
    test('a notice brings a change over, without anybody looking', async () => {
      const { one, other } = await twoGateways()
      const listener = hear(other, { of: 'upload', uid: 'a' })
      const upload = uploadOf({ uid: 'a', version: 3 })
      await putUpload(one.postgres, upload)
      one.events.publish(upload)
      expect(await listener.until(1)).toEqual(['a3'])
    })

    test('a change is read once, however many listen, and not where nobody does', async () => {
      const { one, other } = await twoGateways()
      const listeners = Array.from({ length: 50 }, () => hear(other, { of: 'upload', uid: 'a' }))
      for (const uid of ['b', 'a']) {
        await putUpload(one.postgres, uploadOf({ uid }))
        one.events.publish(uploadOf({ uid }))
      }
      await Promise.all(listeners.map((listener) => listener.until(1)))
      await other.events.catchUp()
      expect([...other.reads]).toEqual([['a', 1]])
    })

    test('what was recorded by a gateway that told nobody is found by looking', async () => {
      const { one, other } = await twoGateways()
      const listener = hear(other, { of: 'all' })
      await putUpload(one.postgres, uploadOf({ uid: 'a', version: 2 }))
      await other.events.catchUp()
      expect(listener.heard).toEqual(['a2'])
      await other.events.catchUp()
      expect(listener.heard).toEqual(['a2'])
    })

    test('a transaction that was open while others looked is not passed over', async () => {
      const { one, other } = await twoGateways()
      const listener = hear(other, { of: 'all' })
      const slow = await one.postgres.connect()
      await putUpload(one.postgres, uploadOf({ uid: 'slow', version: 1 }))
      await other.events.catchUp()
      await slow.query('begin')
      await slow.query("update uploads set version = 2 where uid = 'slow'")
      for (const uid of ['quick', 'quicker']) {
        await putUpload(one.postgres, uploadOf({ uid }))
        await other.events.catchUp()
      }
      expect(listener.heard).toEqual(['slow1', 'quick1', 'quicker1'])
      await slow.query('commit')
      await slow.end()
      await other.events.catchUp()
      expect(listener.heard.at(-1)).toBe('slow2')
      expect(listener.heard).toHaveLength(4)
    })

    test('after a lost connection it listens again, and nothing that happened meanwhile is missed', async () => {
      const { one, other, clock } = await twoGateways()
      const listener = hear(other, { of: 'all' })
      await one.postgres.pool.query(TERMINATE_LISTENERS)
      await putUpload(one.postgres, uploadOf({ uid: 'meanwhile' }))
      one.events.publish(uploadOf({ uid: 'meanwhile' }))
      // The lost connection is noticed by itself; what is waited for then passes at once.
      const passing = setInterval(() => clock.advance(1), 5)
      onTestFinished(() => clearInterval(passing))
      expect(await listener.until(1)).toEqual(['meanwhile1'])
      await putUpload(one.postgres, uploadOf({ uid: 'later' }))
      one.events.publish(uploadOf({ uid: 'later' }))
      expect(await listener.until(2)).toEqual(['meanwhile1', 'later1'])
    })

    test('what looks have told is not told again by a notice that comes late', async () => {
      const { one, other } = await twoGateways()
      const listener = hear(other, { of: 'all' })
      const [early, late] = [uploadOf({ uid: 'early' }), uploadOf({ uid: 'late' })]
      await putUpload(one.postgres, early)
      for (let looks = 0; looks < 3; looks += 1) await other.events.catchUp()
      one.events.publish(early)
      await putUpload(one.postgres, late)
      one.events.publish(late)
      expect(await listener.until(2)).toEqual(['early1', 'late1'])
    })

    test('numbers that a crashed server gives out again hide no change', async () => {
      const { one, other, clock } = await twoGateways()
      const { pool } = one.postgres
      const listener = hear(other, { of: 'all' })
      await putUpload(one.postgres, uploadOf({ uid: 'a', version: 1 }))
      await other.events.catchUp()
      const { rows } = await pool.query<{ id: string }>('select pg_current_xact_id()::text as id')
      // Seen as over, and then not written to the disk.
      await other.events.catchUp()
      await pool.query('alter table uploads disable trigger upload_noted')
      await pool.query("update uploads set version = 2, changed_in = $1::xid8 where uid = 'a'", [
        rows[0]?.id,
      ])
      await pool.query(TERMINATE_LISTENERS)
      const passing = setInterval(() => clock.advance(1), 5)
      onTestFinished(() => clearInterval(passing))
      expect(await listener.until(2)).toEqual(['a1', 'a2'])
      await pool.query('alter table uploads enable trigger upload_noted')
    })

    test('what is heard by two ways at once is heard once, and never an older one after a newer', async () => {
      const { one, other } = await twoGateways()
      const listeners = [one, other].map((gateway) => hear(gateway, { of: 'all' }))
      const versions = Array.from({ length: 40 }, (_, index) => index + 1)
      await Promise.all([
        (async () => {
          for (const version of versions) {
            const upload = uploadOf({ uid: 'a', version })
            await putUpload(one.postgres, upload)
            ;(version % 2 === 0 ? one : other).events.publish(upload)
          }
        })(),
        (async () => {
          for (const _ of versions) await other.events.catchUp()
        })(),
      ])
      await one.events.catchUp()
      await other.events.catchUp()
      for (const { heard } of listeners) {
        const told = heard.map((change) => Number(change.slice(1)))
        expect(told).toEqual([...new Set(told)].toSorted((first, second) => first - second))
        expect(told.at(-1)).toBe(40)
      }
    })
  })
})
