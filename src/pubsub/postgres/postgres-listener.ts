/** Receives changes of other gateways on a LISTEN connection, with catch-up queries and reconnects. */
import { isRecord } from '../../shared/json.ts'
import type { Client } from 'pg'
import type { Postgres } from '../../postgres/connection-pool.ts'
import type { Logger } from '../../shared/logger.ts'
import type { Clock } from '../../shared/clock.ts'
import type { UploadVersion } from './notify-payload.ts'
import { createSnapshotHistory } from './snapshot-history.ts'

export interface PostgresListenerOptions {
  readonly postgres: Postgres
  readonly clock: Clock
  readonly log: Logger
  readonly channel: string
  /** Receives each NOTIFY payload. Must not throw. */
  readonly onNotification: (message: string) => void
  /** Receives the changes since the last catch-up, unordered. If it rejects, the next catch-up repeats them. */
  readonly onChanges: (changes: readonly UploadVersion[]) => Promise<void>
}

export interface PostgresListener {
  /** Runs a catch-up after any running one. Resolves when `onChanges` has resolved. */
  catchUp(): Promise<void>
  /** Makes the loop catch up immediately instead of after the interval. */
  catchUpSoon(): void
  close(): Promise<void>
}

/** Interval between catch-ups in milliseconds: the longest delay of a change whose NOTIFY was lost. */
const CATCH_UP_INTERVAL_MS = 2000

/** Minimum and maximum backoff between reconnect attempts, in milliseconds. */
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5000

/** Query timeout in milliseconds. A connection that exceeds it counts as lost. */
const QUERY_TIMEOUT_MS = 5000

/**
 * Selects the changes committed since a snapshot. A change that was invisible in the last snapshot and is
 * visible now was committed in between. Transaction ids alone would miss changes, because transactions do not
 * commit in the order of their ids. The result is exact while the server runs.
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

/** Connects, and resolves when changes are being received. Rejects if the first connection fails. */
export async function createPostgresListener(
  options: PostgresListenerOptions,
): Promise<PostgresListener> {
  const { postgres, clock, log, channel, onNotification, onChanges } = options
  const closing = new AbortController()
  const { signal } = closing
  /**
   * Aborts the wait for the next catch-up; replaced after each abort. `AbortSignal.any` for each wait would
   * accumulate signals.
   */
  let wakeUp = new AbortController()
  let client: Client | null = null
  const history = createSnapshotHistory(clock)
  history.add(await listen())
  let catchingUp: Promise<void> = Promise.resolve()

  /** Opens the LISTEN connection and returns its first snapshot. Closes the connection if LISTEN fails. */
  async function listen(): Promise<string> {
    const fresh = await postgres.connect({ query_timeout: QUERY_TIMEOUT_MS })
    try {
      fresh.on('notification', ({ payload }) => onNotification(payload ?? ''))
      // Reconnects immediately instead of at the next catch-up.
      fresh.on('end', () => {
        if (fresh === client) wakeUp.abort()
      })
      await fresh.query(`listen ${channel}`)
      const snapshot = snapshotIn((await fresh.query(SNAPSHOT)).rows[0])
      client = fresh
      return snapshot
    } catch (error) {
      closeQuietly(fresh)
      throw error
    }
  }

  async function queryChanges(since: string): Promise<unknown> {
    if (client === null) throw new ConnectionLost()
    try {
      const { rows } = await client.query<object>({ ...CHANGES_SINCE, values: [since] })
      return rows[0]
    } catch (error) {
      throw new ConnectionLost(error)
    }
  }

  async function catchUpNow(): Promise<void> {
    const row = await queryChanges(history.newest())
    const next = snapshotIn(row)
    await onChanges(changesIn(row))
    history.add(next)
  }

  /** Runs catch-ups one at a time, so that each starts from the snapshot of the previous one. */
  function catchUp(): Promise<void> {
    const result = catchingUp.then(catchUpNow)
    catchingUp = result.catch(() => undefined)
    return result
  }

  /** Reconnects with backoff until it succeeds or the listener closes. */
  async function reconnect(): Promise<void> {
    if (client !== null) closeQuietly(client)
    client = null
    for (let failures = 0; !signal.aborted; failures += 1) {
      try {
        await listen()
        history.rewind()
        log.info({}, 'PostgreSQL LISTEN connection restored')
        return
      } catch {
        const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures)
        await clock.wait(pause * (0.5 + Math.random() / 2), signal)
      }
    }
  }

  async function runCatchUpLoop(): Promise<void> {
    while (!signal.aborted) {
      await clock.wait(CATCH_UP_INTERVAL_MS, wakeUp.signal)
      if (wakeUp.signal.aborted) wakeUp = new AbortController()
      if (signal.aborted) return
      try {
        await catchUp()
      } catch (error) {
        if (!(error instanceof ConnectionLost)) {
          log.warn({ err: error }, 'reading changes of other gateways failed; retrying')
          continue
        }
        log.warn({ err: error.cause }, 'PostgreSQL LISTEN connection lost')
        await reconnect()
        // Catches up immediately on changes made in the meantime.
        wakeUp.abort()
      }
    }
  }

  const loop = runCatchUpLoop()
  return {
    catchUp,
    catchUpSoon: () => wakeUp.abort(),
    async close() {
      closing.abort()
      wakeUp.abort()
      await loop
      if (client !== null) await client.end().catch(() => undefined)
    },
  }
}

/** Error of the connection, as opposed to errors of `onChanges`. */
class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost'

  constructor(cause?: unknown) {
    super('The PostgreSQL LISTEN connection is lost.', { cause })
  }
}

/** Closes the connection without waiting, and ignores errors. */
function closeQuietly(client: Client): void {
  client.end().catch(() => undefined)
}

function snapshotIn(row: unknown): string {
  if (isRecord(row) && typeof row['snapshot'] === 'string') return row['snapshot']
  throw new Error('PostgreSQL returned no snapshot.')
}

function changesIn(row: unknown): readonly UploadVersion[] {
  const changes: unknown = isRecord(row) ? row['changes'] : null
  if (!Array.isArray(changes)) return []
  return changes.flatMap((change: unknown) => {
    if (!Array.isArray(change)) return []
    const uid: unknown = change[0]
    const version: unknown = change[1]
    return typeof uid === 'string' && typeof version === 'number' ? [{ uid, version }] : []
  })
}
