/**
 * `UploadPubSub` adapter for gateways that share a PostgreSQL database. A gateway delivers its own changes to
 * local subscribers immediately. After the commit, it informs other gateways by NOTIFY: transactions that notify
 * would wait for each other's commits. A receiving gateway reads the upload from the database once, for all
 * its subscribers. A NOTIFY can be lost, so each gateway also queries missed changes every two seconds and
 * after each reconnect.
 */
import type { Postgres } from '../../postgres/connection-pool.ts'
import type { Logger } from '../../shared/logger.ts'
import type { Clock } from '../../shared/clock.ts'
import type { Upload } from '../../uploads/upload.ts'
import { createTopicSubscribers } from './topic-subscribers.ts'
import type { UploadPubSub } from '../../uploads/ports/upload-pubsub.ts'
import { type PostgresListener, createPostgresListener } from './postgres-listener.ts'
import { createMemoryPubSub } from '../memory-pubsub.ts'
import { type UploadVersion, decodeNotifyPayload, encodeNotifyPayload } from './notify-payload.ts'
import { createDeliveredVersions } from '../delivered-versions.ts'
import { SAFE_AFTER_MS } from './snapshot-history.ts'

export interface PostgresPubSubOptions {
  readonly postgres: Postgres
  /** Returns the current state of the uploads that exist. */
  readonly read: (uids: readonly string[]) => Promise<readonly Upload[]>
  readonly clock: Clock
  readonly log: Logger
}

export interface PostgresPubSub extends UploadPubSub {
  /** Resolves once this gateway has delivered all changes committed before the call. */
  catchUp(): Promise<void>
  /** Sends remaining notifications, and stops listening. */
  close(): Promise<void>
}

/** Resolves once LISTEN is active. Rejects with `StoreUnavailable` if the database is unavailable. */
export async function createPostgresPubSub(
  options: PostgresPubSubOptions,
): Promise<PostgresPubSub> {
  const { postgres, read, clock, log } = options
  const sender = crypto.randomUUID()
  const closing = new AbortController()
  const local = createMemoryPubSub()
  const delivered = createDeliveredVersions()
  const topicSubscribers = createTopicSubscribers()
  /** Newest version of each upload not yet sent to other gateways. */
  const unpublished = new Map<string, number>()
  /** Uploads that other gateways changed, not yet read. */
  const unread = new Set<string>()
  let rotatedAt = clock.monotonicMs()
  let publishing: Promise<void> | null = null
  let sending: Promise<void> | null = null
  let reading: Promise<void> | null = null

  function deliver(upload: Upload): void {
    if (delivered.markIfNewer(upload.uid, upload.version)) local.publish(upload)
  }

  /** Rotates by time, not per catch-up: frequent catch-ups must not drop versions that a late NOTIFY repeats. */
  function rotateDelivered(): void {
    const now = clock.monotonicMs()
    if (now - rotatedAt < DELIVERED_RETENTION_MS) return
    rotatedAt = now
    delivered.rotate()
  }

  async function sendNotifications(): Promise<void> {
    while (unpublished.size > 0) {
      const payload = encodeNotifyPayload(sender, unpublished)
      try {
        await postgres.run(() => postgres.pool.query({ ...NOTIFY, values: [CHANNEL, payload] }))
      } catch (error) {
        // The other gateways find the changes in their next catch-up.
        log.debug({ err: error }, 'publishing changes failed; other gateways catch up within 2 s')
      }
    }
  }

  /** Sends all that is not published. Joins a running call. */
  function publishNow(): Promise<void> {
    sending ??= sendNotifications().finally(() => {
      sending = null
    })
    return sending
  }

  async function publishAll(): Promise<void> {
    // Changes that were recorded together are published in one tick.
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
    while (unpublished.size > 0) {
      await publishNow()
      await clock.wait(NOTIFY_INTERVAL_MS, closing.signal)
    }
  }

  async function readAll(): Promise<void> {
    while (unread.size > 0) {
      const uids = [...unread].slice(0, MAX_UPLOADS_PER_QUERY)
      for (const uid of uids) unread.delete(uid)
      for (const upload of await read(uids)) deliver(upload)
    }
  }

  /** Joins a running read. Rejects if the database is unavailable; the next catch-up finds the changes again. */
  function readSoon(): Promise<void> {
    reading ??= readAll().finally(() => {
      reading = null
    })
    return reading
  }

  async function receive(versions: readonly UploadVersion[]): Promise<void> {
    for (const { uid, version } of versions) {
      if (topicSubscribers.hasSubscribers(uid) && delivered.isNewer(uid, version)) unread.add(uid)
    }
    if (unread.size > 0) await readSoon()
  }

  const postgresListener: PostgresListener = await createPostgresListener({
    postgres,
    clock,
    log,
    channel: CHANNEL,
    onNotification(payload) {
      receive(decodeNotifyPayload(sender, payload)).catch((error: unknown) => {
        log.warn({ err: error }, 'reading changes of other gateways failed; retrying')
        postgresListener.catchUpSoon()
      })
    },
    async onChanges(changes) {
      await receive(changes)
      rotateDelivered()
    },
  })

  return {
    publish(upload) {
      deliver(upload)
      unpublished.set(upload.uid, upload.version)
      publishing ??= publishAll().finally(() => {
        publishing = null
      })
    },
    subscribe(topic, listener) {
      const removeSubscriber = topicSubscribers.add(topic)
      const { ready, stop } = local.subscribe(topic, listener)
      return {
        ready,
        stop() {
          removeSubscriber()
          stop()
        },
      }
    },
    async catchUp() {
      await publishNow()
      await postgresListener.catchUp()
    },
    async close() {
      closing.abort()
      await publishNow()
      await postgresListener.close()
    },
  }
}

/** Uploads per query. */
const MAX_UPLOADS_PER_QUERY = 500

/** Longer than a catch-up may reach back, so that no version is delivered twice. */
const DELIVERED_RETENTION_MS = SAFE_AFTER_MS + 15_000
/**
 * Milliseconds between two NOTIFYs of a gateway. Each wakes a server process of every gateway. A change after a
 * pause is not delayed.
 */
const NOTIFY_INTERVAL_MS = 25
const CHANNEL = 'headgate'
const NOTIFY = { name: 'headgate_notify', text: 'select pg_notify($1, $2)' } as const
