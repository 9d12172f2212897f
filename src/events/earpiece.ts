/** The one connection by which a gateway hears of others' changes; made anew whenever it is lost. */
import type { Client } from 'pg'
import type { Postgres } from '../postgres/postgres.ts'
import type { Clock, Log } from '../uploads/parts.ts'
import type { Notice } from './notice.ts'

export interface EarpieceParts {
  readonly postgres: Postgres
  readonly clock: Clock
  readonly log: Log
  readonly channel: string
  /** A notice came. Never throws. */
  readonly heard: (message: string) => void
  /** Changes committed since the last look, in no order. Where it rejects, they are seen once more. */
  readonly seen: (changes: readonly Notice[]) => Promise<void>
}

export interface Earpiece {
  /** Looks now, and resolves when all that it saw was taken; after it, where a look is under way. */
  look(): Promise<void>
  /** Has the next look come soon. */
  lookAgain(): void
  close(): Promise<void>
}

/** How long what no notice told of may go unseen, in milliseconds. */
const LOOK_EVERY_MS = 2000
/** First and longest pause between two attempts to listen again. */
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5000
/** A look that takes longer is one at a connection that is gone. */
const LOOK_MS = 5000

/**
 * Exact, because a transaction that is not over is in no snapshot: what was not visible in the last one
 * and is visible now was committed in between, whatever its number.
 * https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-PG-SNAPSHOT
 */
const CHANGES_SINCE = {
  name: 'headgate_changes_since',
  text: `select pg_current_snapshot()::text as snapshot, coalesce((
      select json_agg(json_build_array(uid, version)) from uploads
      where uid is not null and changed_in >= pg_snapshot_xmin($1::pg_snapshot)
        and not pg_visible_in_snapshot(changed_in, $1::pg_snapshot)
    ), '[]') as changes`,
} as const
const SNAPSHOT = 'select pg_current_snapshot()::text as snapshot'

export async function createEarpiece(parts: EarpieceParts): Promise<Earpiece> {
  const { postgres, clock, log, channel, heard, seen } = parts
  const closing = new AbortController()
  const { signal } = closing
  /** Ends the wait for the next look; by hand, since signals joined anew at each wait would pile up. */
  let hurry = new AbortController()
  let client: Client | null = null
  client = await listen()
  let snapshot = snapshotIn((await client.query(SNAPSHOT)).rows[0])
  let looking: Promise<void> = Promise.resolve()

  async function listen(): Promise<Client> {
    const fresh = await postgres.connect({ query_timeout: LOOK_MS })
    fresh.on('notification', ({ payload }) => heard(payload ?? ''))
    // Lost: what is noticed now need not wait for the next look.
    fresh.on('end', () => {
      if (fresh === client) hurry.abort()
    })
    await fresh.query(`listen ${channel}`)
    return fresh
  }

  async function lookNow(): Promise<void> {
    if (client === null) throw new Error('Nothing is listened to.')
    const { rows } = await client.query({ ...CHANGES_SINCE, values: [snapshot] })
    const next = snapshotIn(rows[0])
    await seen(changesIn(rows[0]))
    snapshot = next
  }

  /** One after the other, so that each begins where the one before ended. */
  function look(): Promise<void> {
    const turn = looking.then(lookNow)
    looking = turn.catch(() => undefined)
    return turn
  }

  /** Until it listens again, or closes. */
  async function listenAgain(): Promise<void> {
    client?.end().catch(() => undefined)
    client = null
    for (let failures = 0; !signal.aborted; failures += 1) {
      try {
        client = await listen()
        log.info({}, 'listening to other gateways again')
        return
      } catch {
        const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures)
        await clock.wait(pause * (0.5 + Math.random() / 2), signal)
      }
    }
  }

  async function keepLooking(): Promise<void> {
    while (!signal.aborted) {
      await clock.wait(LOOK_EVERY_MS, hurry.signal)
      if (hurry.signal.aborted) hurry = new AbortController()
      if (signal.aborted) return
      try {
        await look()
      } catch (error) {
        log.warn({ err: error }, 'the way to other gateways was lost')
        await listenAgain()
        // What happened meanwhile is not waited for.
        hurry.abort()
      }
    }
  }

  const kept = keepLooking()
  return {
    look,
    lookAgain: () => hurry.abort(),
    async close() {
      closing.abort()
      hurry.abort()
      await kept
      await client?.end().catch(() => undefined)
    },
  }
}

function snapshotIn(row: unknown): string {
  if (isRecord(row) && typeof row['snapshot'] === 'string') return row['snapshot']
  throw new Error('PostgreSQL told no snapshot.')
}

function changesIn(row: unknown): readonly Notice[] {
  const changes: unknown = isRecord(row) ? row['changes'] : null
  if (!Array.isArray(changes)) return []
  return changes.flatMap((change: unknown) => {
    if (!Array.isArray(change)) return []
    const uid: unknown = change[0]
    const version: unknown = change[1]
    return typeof uid === 'string' && typeof version === 'number' ? [{ uid, version }] : []
  })
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
