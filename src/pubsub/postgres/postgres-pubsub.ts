/**
 * Events between gateways on one PostgreSQL. Whoever records a change tells its own listeners at once,
 * and the other gateways by NOTIFY, after the change is committed: a transaction that notifies would
 * have all others wait for its commit. What a notice says is read from the database, once however many
 * listen. Notices may be lost; so each gateway also looks, every two seconds and after each lost
 * connection, which changes were committed that it has not seen.
 */
import type { Postgres } from '../../postgres/connection-pool.ts'
import type { Clock, Log } from '../../uploads/dependencies.ts'
import type { Upload } from '../../uploads/upload.ts'
import { createAudience } from './topic-subscribers.ts'
import type { UploadEvents } from '../../uploads/ports/upload-pubsub.ts'
import { type Earpiece, createEarpiece } from './postgres-listener.ts'
import { createMemoryEvents } from '../memory-pubsub.ts'
import { type Notice, readNotices, writeNotices } from './notify-payload.ts'
import { createSightings } from '../delivered-versions.ts'
import { SAFE_AFTER_MS } from './snapshot-history.ts'

export interface PostgresEventsParts {
  readonly postgres: Postgres
  /** Those of the uids that there are, as they stand. */
  readonly read: (uids: readonly string[]) => Promise<readonly Upload[]>
  readonly clock: Clock
  readonly log: Log
}

export interface PostgresEvents extends UploadEvents {
  /** Resolves when this gateway has told its listeners all that was committed until now. */
  catchUp(): Promise<void>
  /** Tells what is left to tell, and stops listening. */
  close(): Promise<void>
}

/** Resolves once it listens. Rejects with `StoreUnavailable` where it cannot. */
export async function createPostgresEvents(parts: PostgresEventsParts): Promise<PostgresEvents> {
  const { postgres, read, clock, log } = parts
  const sender = crypto.randomUUID()
  const local = createMemoryEvents()
  const sightings = createSightings()
  const audience = createAudience()
  /** Newest version of each upload that others are still to be told of. */
  const untold = new Map<string, number>()
  /** Uploads of which others told something new. */
  const unread = new Set<string>()
  let forgotAt = clock.monotonicMs()
  let telling: Promise<void> | null = null
  let reading: Promise<void> | null = null

  function deliver(upload: Upload): void {
    if (sightings.isNews(upload.uid, upload.version)) local.publish(upload)
  }

  /** By time, not by look: those that come in a row must not forget what a late notice tells again. */
  function forgetOld(): void {
    const now = clock.monotonicMs()
    if (now - forgotAt < REMEMBERED_MS) return
    forgotAt = now
    sightings.age()
  }

  async function tell(): Promise<void> {
    while (untold.size > 0) {
      const message = writeNotices(sender, untold)
      try {
        await postgres.reach(() => postgres.pool.query(NOTIFY, [CHANNEL, message]))
      } catch (error) {
        // The others see it when they look.
        log.debug({ err: error }, 'other gateways were not told of changes')
      }
    }
  }

  async function readAll(): Promise<void> {
    while (unread.size > 0) {
      const uids = [...unread].slice(0, READ_AT_ONCE)
      for (const uid of uids) unread.delete(uid)
      for (const upload of await read(uids)) deliver(upload)
    }
  }

  /** Rejects where the database does not answer; what was to be read is seen at the next look. */
  function readSoon(): Promise<void> {
    reading ??= readAll().finally(() => {
      reading = null
    })
    return reading
  }

  async function hear(notices: readonly Notice[]): Promise<void> {
    for (const { uid, version } of notices) {
      if (audience.cares(uid) && sightings.wouldBeNews(uid, version)) unread.add(uid)
    }
    if (unread.size > 0) await readSoon()
  }

  const earpiece: Earpiece = await createEarpiece({
    postgres,
    clock,
    log,
    channel: CHANNEL,
    heard(message) {
      hear(readNotices(sender, message)).catch((error: unknown) => {
        log.warn({ err: error }, 'changes of other gateways were not read, and are looked for')
        earpiece.lookAgain()
      })
    },
    async seen(changes) {
      await hear(changes)
      forgetOld()
    },
  })

  return {
    publish(upload) {
      deliver(upload)
      untold.set(upload.uid, upload.version)
      telling ??= tell().finally(() => {
        telling = null
      })
    },
    subscribe(topic, listener) {
      const leave = audience.enter(topic)
      const { ready, stop } = local.subscribe(topic, listener)
      return {
        ready,
        stop() {
          leave()
          stop()
        },
      }
    },
    async catchUp() {
      await telling
      await earpiece.look()
    },
    async close() {
      await telling
      await earpiece.close()
    },
  }
}

/** Uploads that one question is about. */
const READ_AT_ONCE = 500
/** What was told is remembered for longer than a look may reach back, so that it is not told again. */
const REMEMBERED_MS = SAFE_AFTER_MS + 15_000
const CHANNEL = 'headgate'
const NOTIFY = 'select pg_notify($1, $2)'
