/** Runs the UploadPubSub contract on PostgreSQL, and tests failures between gateways. */
import { once } from 'node:events'
import { setImmediate as nextTick } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { systemClock, type Clock } from '../../src/shared/clock.ts'
import {
  type PostgresPubSub,
  createPostgresPubSub,
} from '../../src/pubsub/postgres/postgres-pubsub.ts'
import { decodeNotifyPayload } from '../../src/pubsub/postgres/notify-payload.ts'
import { type Postgres, openPostgres } from '../../src/postgres/connection-pool.ts'
import { createPostgresStore } from '../../src/store/postgres/postgres-store.ts'
import type { UploadStore } from '../../src/uploads/ports/upload-store.ts'
import type { Logger } from '../../src/shared/logger.ts'
import { describeUploadPubSub } from '../contracts/upload-pubsub.ts'
import { type TestClock, createTestClock } from '../kit/clock.ts'
import { createTestDatabase, describeWithPostgres } from '../kit/postgres.ts'
import { uploadOf } from '../kit/samples.ts'
import { saveUpload } from './save-upload.ts'

const ignoreAll: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}

/** Ends the connections that listen or read snapshots, and not those of the pools. */
const TERMINATE_LISTENERS = `select pg_terminate_backend(pid) from pg_stat_activity
  where datname = current_database() and pid <> pg_backend_pid()
    and query ~ '^(listen|select pg_current_snapshot)'`

/** Its waits end only when they are aborted. */
const stoppedClock: Clock = {
  ...systemClock,
  async wait(_milliseconds, signal) {
    if (signal?.aborted === false) await once(signal, 'abort')
  },
}

/** The pub/sub adapter of one gateway. */
interface Gateway {
  readonly postgres: Postgres
  readonly pubsub: PostgresPubSub
  /** Number of reads of each upload. */
  readonly reads: Map<string, number>
}

async function startGateway(url: string, clock: Clock = systemClock): Promise<Gateway> {
  const postgres = openPostgres({ url, connections: 4 }, () => undefined)
  const store: UploadStore = await createPostgresStore(postgres)
  const reads = new Map<string, number>()
  const pubsub = await createPostgresPubSub({
    postgres,
    clock,
    log: ignoreAll,
    read(uids) {
      for (const uid of uids) reads.set(uid, (reads.get(uid) ?? 0) + 1)
      return store.findMany(uids)
    },
  })
  return { postgres, pubsub, reads }
}

async function stop({ pubsub, postgres }: Gateway): Promise<void> {
  await pubsub.close()
  await postgres.close()
}

/** Two gateways with one clock, which the test advances: no gateway polls on its own. */
async function startTwoGateways(): Promise<{ one: Gateway; other: Gateway; clock: TestClock }> {
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

/** Collects changes, each as uid and version. */
function collect({ pubsub }: Gateway, topic: Parameters<PostgresPubSub['subscribe']>[0]) {
  const received: string[] = []
  let arrived: (() => void) | null = null
  pubsub.subscribe(topic, ({ uid, version }) => {
    received.push(`${uid}${version}`)
    arrived?.()
  })
  return {
    received,
    async until(count: number): Promise<readonly string[]> {
      while (received.length < count) {
        await new Promise<void>((resolve) => {
          arrived = resolve
        })
      }
      return received
    },
  }
}

describeWithPostgres('PostgreSQL', () => {
  describeUploadPubSub('One gateway on PostgreSQL', async () => {
    const database = await createTestDatabase()
    const gateway = await startGateway(database.url)
    return {
      pubsub: gateway.pubsub,
      delivered: () => gateway.pubsub.catchUp(),
      async close() {
        await stop(gateway)
        await database.drop()
      },
    }
  })

  describeUploadPubSub('From one gateway on PostgreSQL to another', async () => {
    const database = await createTestDatabase()
    const [one, other] = [await startGateway(database.url), await startGateway(database.url)]
    return {
      pubsub: {
        publish: (upload) => one.pubsub.publish(upload),
        subscribe: (topic, listener) => other.pubsub.subscribe(topic, listener),
      },
      record: (upload) => saveUpload(one.postgres, upload),
      async delivered() {
        await one.pubsub.catchUp()
        await other.pubsub.catchUp()
      },
      async close() {
        await stop(one)
        await stop(other)
        await database.drop()
      },
    }
  })

  describe('between gateways', () => {
    test('delivers a change by its NOTIFY payload without polling', async () => {
      const { one, other } = await startTwoGateways()
      const listener = collect(other, { of: 'upload', uid: 'a' })
      const upload = uploadOf({ uid: 'a', version: 3 })
      await saveUpload(one.postgres, upload)
      one.pubsub.publish(upload)
      expect(await listener.until(1)).toEqual(['a3'])
    })

    test('reads a change once for many subscribers, and not without a subscriber', async () => {
      const { one, other } = await startTwoGateways()
      const listeners = Array.from({ length: 50 }, () => collect(other, { of: 'upload', uid: 'a' }))
      for (const uid of ['b', 'a']) {
        await saveUpload(one.postgres, uploadOf({ uid }))
        one.pubsub.publish(uploadOf({ uid }))
      }
      await Promise.all(listeners.map((listener) => listener.until(1)))
      await other.pubsub.catchUp()
      expect([...other.reads]).toEqual([['a', 1]])
    })

    test('finds by polling a change whose gateway published nothing', async () => {
      const { one, other } = await startTwoGateways()
      const listener = collect(other, { of: 'all' })
      await saveUpload(one.postgres, uploadOf({ uid: 'a', version: 2 }))
      await other.pubsub.catchUp()
      expect(listener.received).toEqual(['a2'])
      await other.pubsub.catchUp()
      expect(listener.received).toEqual(['a2'])
    })

    test('finds a transaction that was open during an earlier poll', async () => {
      const { one, other } = await startTwoGateways()
      const listener = collect(other, { of: 'all' })
      const slow = await one.postgres.connect()
      await saveUpload(one.postgres, uploadOf({ uid: 'slow', version: 1 }))
      await other.pubsub.catchUp()
      await slow.query('begin')
      await slow.query("update uploads set version = 2 where uid = 'slow'")
      for (const uid of ['quick', 'quicker']) {
        await saveUpload(one.postgres, uploadOf({ uid }))
        await other.pubsub.catchUp()
      }
      expect(listener.received).toEqual(['slow1', 'quick1', 'quicker1'])
      await slow.query('commit')
      await slow.end()
      await other.pubsub.catchUp()
      expect(listener.received.at(-1)).toBe('slow2')
      expect(listener.received).toHaveLength(4)
    })

    test('publishes changes of one tick, and those until the interval has passed, in one NOTIFY each', async () => {
      const database = await createTestDatabase()
      const one = await startGateway(database.url, stoppedClock)
      const client = await one.postgres.connect()
      onTestFinished(async () => {
        await client.end()
        await stop(one)
        await database.drop()
      })
      const published: string[][] = []
      client.on('notification', ({ payload }) => {
        published.push(decodeNotifyPayload('other', payload ?? '').map(({ uid }) => uid))
      })
      await client.query('listen headgate')
      for (const uid of ['a', 'b']) one.pubsub.publish(uploadOf({ uid }))
      while (published.length === 0) await client.query('select 1')
      for (const uid of ['c', 'd', 'e']) {
        await nextTick()
        one.pubsub.publish(uploadOf({ uid }))
      }
      await one.pubsub.catchUp()
      await client.query('select 1')
      expect(published).toEqual([
        ['a', 'b'],
        ['c', 'd', 'e'],
      ])
    })

    test('listens again after a lost connection and delivers what was missed', async () => {
      const { one, other, clock } = await startTwoGateways()
      const listener = collect(other, { of: 'all' })
      await one.postgres.pool.query(TERMINATE_LISTENERS)
      await saveUpload(one.postgres, uploadOf({ uid: 'meanwhile' }))
      one.pubsub.publish(uploadOf({ uid: 'meanwhile' }))
      // The adapter detects the loss by itself; the interval advances its backoff.
      const timer = setInterval(() => clock.advance(1), 5)
      onTestFinished(() => clearInterval(timer))
      expect(await listener.until(1)).toEqual(['meanwhile1'])
      await saveUpload(one.postgres, uploadOf({ uid: 'later' }))
      one.pubsub.publish(uploadOf({ uid: 'later' }))
      expect(await listener.until(2)).toEqual(['meanwhile1', 'later1'])
    })

    test('does not deliver again what polling has delivered before a late NOTIFY', async () => {
      const { one, other } = await startTwoGateways()
      const listener = collect(other, { of: 'all' })
      const [early, late] = [uploadOf({ uid: 'early' }), uploadOf({ uid: 'late' })]
      await saveUpload(one.postgres, early)
      for (let round = 0; round < 3; round += 1) await other.pubsub.catchUp()
      one.pubsub.publish(early)
      await saveUpload(one.postgres, late)
      one.pubsub.publish(late)
      expect(await listener.until(2)).toEqual(['early1', 'late1'])
    })

    test('finds changes when a crashed server reuses transaction ids', async () => {
      const { one, other, clock } = await startTwoGateways()
      const { pool } = one.postgres
      const listener = collect(other, { of: 'all' })
      await saveUpload(one.postgres, uploadOf({ uid: 'a', version: 1 }))
      await other.pubsub.catchUp()
      const { rows } = await pool.query<{ id: string }>('select pg_current_xact_id()::text as id')
      // Observed as finished, and then not written to disk.
      await other.pubsub.catchUp()
      await pool.query('alter table uploads disable trigger upload_noted')
      await pool.query("update uploads set version = 2, changed_in = $1::xid8 where uid = 'a'", [
        rows[0]?.id,
      ])
      await pool.query(TERMINATE_LISTENERS)
      const timer = setInterval(() => clock.advance(1), 5)
      onTestFinished(() => clearInterval(timer))
      expect(await listener.until(2)).toEqual(['a1', 'a2'])
      await pool.query('alter table uploads enable trigger upload_noted')
    })

    test('delivers each version once and in order when NOTIFY and polling overlap', async () => {
      const { one, other } = await startTwoGateways()
      const listeners = [one, other].map((gateway) => collect(gateway, { of: 'all' }))
      const versions = Array.from({ length: 40 }, (_, index) => index + 1)
      await Promise.all([
        (async () => {
          for (const version of versions) {
            const upload = uploadOf({ uid: 'a', version })
            await saveUpload(one.postgres, upload)
            ;(version % 2 === 0 ? one : other).pubsub.publish(upload)
          }
        })(),
        (async () => {
          for (const _ of versions) await other.pubsub.catchUp()
        })(),
      ])
      await one.pubsub.catchUp()
      await other.pubsub.catchUp()
      for (const { received } of listeners) {
        const versionsDelivered = received.map((change) => Number(change.slice(1)))
        expect(versionsDelivered).toEqual(
          [...new Set(versionsDelivered)].toSorted((first, second) => first - second),
        )
        expect(versionsDelivered.at(-1)).toBe(40)
      }
    })
  })
})
