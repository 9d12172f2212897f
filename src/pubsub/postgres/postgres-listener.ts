/** The one connection by which a gateway hears of others' changes; made anew whenever it is lost. */
import type { Client } from 'pg'
import type { Postgres } from '../../postgres/connection-pool.ts'
import type { Clock, Log } from '../../uploads/dependencies.ts'
import type { Notice } from './notify-payload.ts'
import { createHistory } from './snapshot-history.ts'

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
 * Exact as long as the server runs on, because a transaction that is not over is in no snapshot: what was not visible in the last one
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
  const history = createHistory(clock)
  history.add(await listen())
  let looking: Promise<void> = Promise.resolve()

  /** Says which snapshot it begins from. Where it cannot listen, it leaves no connection behind. */
  async function listen(): Promise<string> {
    const fresh = await postgres.connect({ query_timeout: LOOK_MS })
    try {
      fresh.on('notification', ({ payload }) => heard(payload ?? ''))
      // Lost: what is noticed now need not wait for the next look.
      fresh.on('end', () => {
        if (fresh === client) hurry.abort()
      })
      await fresh.query(`listen ${channel}`)
      const snapshot = snapshotIn((await fresh.query(SNAPSHOT)).rows[0])
      client = fresh
      return snapshot
    } catch (error) {
      leave(fresh)
      throw error
    }
  }

  async function ask(since: string): Promise<unknown> {
    if (client === null) throw new ConnectionLost()
    try {
      const { rows } = await client.query<object>({ ...CHANGES_SINCE, values: [since] })
      return rows[0]
    } catch (error) {
      throw new ConnectionLost(error)
    }
  }

  async function lookNow(): Promise<void> {
    const row = await ask(history.newest())
    const next = snapshotIn(row)
    await seen(changesIn(row))
    history.add(next)
  }

  /** One after the other, so that each begins where the one before ended. */
  function look(): Promise<void> {
    const turn = looking.then(lookNow)
    looking = turn.catch(() => undefined)
    return turn
  }

  /** Until it listens again, or closes. */
  async function listenAgain(): Promise<void> {
    if (client !== null) leave(client)
    client = null
    for (let failures = 0; !signal.aborted; failures += 1) {
      try {
        await listen()
        history.distrust()
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
        if (!(error instanceof ConnectionLost)) {
          log.warn({ err: error }, 'changes of other gateways were not read, and are looked for')
          continue
        }
        log.warn({ err: error.cause }, 'the way to other gateways was lost')
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
      if (client !== null) await client.end().catch(() => undefined)
    },
  }
}

/** The connection is to be made anew; what was seen, or not, is no fault of whoever takes it. */
class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost'

  constructor(cause?: unknown) {
    super('The connection to other gateways is lost.', { cause })
  }
}

/** Nobody waits for it to be gone. */
function leave(client: Client): void {
  client.end().catch(() => undefined)
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
