/** `RateLimiter` adapter for gateways that share a PostgreSQL database, which counts and decides. */
import { batchCalls } from '../postgres/batch-calls.ts'
import type { Postgres } from '../postgres/connection-pool.ts'
import { toWindowArrays } from '../postgres/rate-windows.ts'
import { replaceNul } from '../postgres/replace-nul.ts'
import {
  type Consumption,
  type RateLimiter,
  type RateWindow,
  MAX_BLOCK_MS,
} from '../uploads/ports/rate-limiter.ts'

/** Counts are not worth waiting for the disk. The setting applies to the statement's own transaction. */
const WITHOUT_DISK = "set_config('synchronous_commit', 'off', true)"

const CONSUME_SQL = {
  name: 'headgate_rate_limit_consume',
  text: `select ${WITHOUT_DISK}, consumed, wait_seconds, at::float8
    from consume_rate_limit($1, $2::bigint, $3::integer[], $4::bigint[], $5::bigint, $6::integer)`,
} as const
const GIVE_BACK_SQL = {
  name: 'headgate_rate_limit_give_back',
  text: `select ${WITHOUT_DISK}, give_back_rate_limit($1, $2::bigint)`,
} as const
const BLOCK_SQL = {
  name: 'headgate_rate_limit_block',
  // Whole milliseconds, as `consume_rate_limit` counts: a fraction would become a second when it rounds up.
  // A block that ends later than MAX_BLOCK_MS allows was written by a wrong clock.
  text: `insert into allowance_holds as held (key, until)
    values ($1, coalesce($3::timestamptz, date_trunc('milliseconds', clock_timestamp())) + $2 * interval '1 millisecond')
    on conflict (key) do update set until = case
      when held.until > coalesce($3::timestamptz, clock_timestamp()) + $4 * interval '1 millisecond'
      then excluded.until else greatest(held.until, excluded.until) end`,
} as const
const COUNT_SQL = {
  name: 'headgate_rate_limit_used',
  text: `select coalesce(sum(entry.units), 0)::float8 as used
    from rate_limits, unnest(times, units) as entry (at, units) where key = $1
      and at > coalesce($3::bigint, floor(extract(epoch from clock_timestamp()) * 1000)::bigint) - $2::bigint`,
} as const

interface ConsumedRow {
  readonly consumed: number
  readonly wait_seconds: number | null
  readonly at: number
}

/**
 * Concurrent calls with the same key and windows share a statement. Counts are committed without waiting for
 * the disk: a server crash may lose the last half second.
 * @param now milliseconds since 1970 of a clock other than the server's, for tests
 */
export function createPostgresRateLimiter(
  { pool, run }: Postgres,
  now: () => number | null = () => null,
): RateLimiter {
  /** Running and waiting calls of each key and its windows. */
  const active = new Map<
    string,
    { calls: number; consume: (at: number | null) => Promise<Consumption> }
  >()

  /** Consumes a unit for each call, as many as there are; the others are rejected. */
  async function consumeEach(
    key: string,
    rateWindows: readonly RateWindow[],
    calls: readonly (number | null)[],
  ): Promise<readonly Consumption[]> {
    const { limits, windows, stepMs } = toWindowArrays(rateWindows)
    const values = [replaceNul(key), calls.at(-1) ?? null, limits, windows, stepMs, calls.length]
    const { rows } = await run(() => pool.query<ConsumedRow>({ values, ...CONSUME_SQL }))
    const [row] = rows
    if (row === undefined) throw new Error('PostgreSQL returned no consumption.')
    return calls.map((_, index) =>
      index < row.consumed
        ? { kind: 'consumed', at: row.at }
        : { kind: 'rejected', retryAfterSeconds: row.wait_seconds ?? 1 },
    )
  }

  return {
    async consume(key, rateWindows) {
      const slot = JSON.stringify([key, rateWindows])
      const batch = active.get(slot) ?? {
        calls: 0,
        consume: batchCalls((calls: readonly (number | null)[]) =>
          consumeEach(key, rateWindows, calls),
        ),
      }
      active.set(slot, batch)
      batch.calls += 1
      try {
        return await batch.consume(now())
      } finally {
        batch.calls -= 1
        if (batch.calls === 0) active.delete(slot)
      }
    },
    giveBack: (key, at) =>
      run(async () => {
        await pool.query({ values: [replaceNul(key), at], ...GIVE_BACK_SQL })
      }),
    block: (key, milliseconds) =>
      run(async () => {
        const at = now()
        const ms = Math.min(milliseconds, MAX_BLOCK_MS)
        const values = [replaceNul(key), ms, at === null ? null : new Date(at), MAX_BLOCK_MS]
        await pool.query({ ...BLOCK_SQL, values })
      }),
    countConsumed: (key, windowMs) =>
      run(async () => {
        const values = [replaceNul(key), windowMs, now()]
        const { rows } = await pool.query<{ used: number }>({ values, ...COUNT_SQL })
        return rows[0]?.used ?? 0
      }),
  }
}
