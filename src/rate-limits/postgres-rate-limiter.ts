/** `RateLimiter` adapter for gateways that share a PostgreSQL database, which counts and decides. */
import type { Postgres } from '../postgres/connection-pool.ts'
import { replaceNul } from '../postgres/replace-nul.ts'
import { withTransaction } from '../postgres/transaction.ts'
import { type RateLimiter, MAX_BLOCK_MS } from '../uploads/ports/rate-limiter.ts'

/** Rows per key and window. Larger limits are counted in time steps. */
const MAX_ROWS_PER_KEY = 1000

/** PostgreSQL's largest integer: no caller reaches this limit in a window. */
const LARGEST = 2 ** 31 - 1

const CONSUME_SQL = {
  name: 'headgate_rate_limit_consume',
  // "at" is read after the function has consumed. The function's lock on the key lasts to the end of the
  // statement, so no other unit of the key lies between.
  text: `select take_allowance($1, $2::bigint, $3::integer[], $4::bigint[], $5::bigint) as seconds,
    coalesce($2::bigint, floor(extract(epoch from clock_timestamp()) * 1000)::bigint)::float8 as at`,
} as const
/** The lock that `take_allowance` holds on a key: without it, two units returned at the same time could be one row. */
const LOCK_KEY_SQL = {
  name: 'headgate_rate_limit_lock',
  text: 'select pg_advisory_xact_lock(hashtextextended($1, 7204))',
} as const
const GIVE_BACK_SQL = {
  name: 'headgate_rate_limit_give_back',
  text: `update allowances set uses = uses - 1 where key = $1 and uses > 0 and at =
    (select max(at) from allowances where key = $1 and uses > 0 and at <= $2::bigint)`,
} as const
const BLOCK_SQL = {
  name: 'headgate_rate_limit_block',
  // Whole milliseconds, as `take_allowance` counts: a fraction would become a second when it rounds up.
  // A block that ends later than MAX_BLOCK_MS allows was written by a wrong clock.
  text: `insert into allowance_holds as held (key, until)
    values ($1, coalesce($3::timestamptz, date_trunc('milliseconds', clock_timestamp())) + $2 * interval '1 millisecond')
    on conflict (key) do update set until = case
      when held.until > coalesce($3::timestamptz, clock_timestamp()) + $4 * interval '1 millisecond'
      then excluded.until else greatest(held.until, excluded.until) end`,
} as const
const COUNT_SQL = {
  name: 'headgate_rate_limit_used',
  text: `select coalesce(sum(uses), 0)::float8 as used from allowances
    where key = $1 and at > coalesce($3::bigint, floor(extract(epoch from clock_timestamp()) * 1000)::bigint) - $2::bigint`,
} as const

/**
 * Counts are committed without waiting for the disk (`synchronous_commit = off`): a server crash may lose the
 * last half second.
 * @param now milliseconds since 1970 of a clock other than the server's, for tests
 */
export function createPostgresRateLimiter(
  { pool, run }: Postgres,
  now: () => number | null = () => null,
): RateLimiter {
  return {
    consume: (key, rateWindows) =>
      run(async () => {
        const limits = rateWindows.map(({ limit }) => Math.min(limit, LARGEST))
        const windows = rateWindows.map(({ windowMs }) => windowMs)
        const stepMs =
          Math.max(0, ...limits) <= MAX_ROWS_PER_KEY
            ? 1
            : Math.ceil(Math.max(...windows) / MAX_ROWS_PER_KEY)
        const values = [replaceNul(key), now(), limits, windows, stepMs]
        const { rows } = await pool.query<{ seconds: number | null; at: number }>({
          values,
          ...CONSUME_SQL,
        })
        const [{ seconds, at } = { seconds: null, at: 0 }] = rows
        if (seconds !== null) return { kind: 'rejected', retryAfterSeconds: seconds }
        // Counted under the end of its time step.
        return { kind: 'consumed', at: Math.ceil(at / stepMs) * stepMs }
      }),
    giveBack: (key, at) =>
      run(() =>
        withTransaction(pool, async (client) => {
          await client.query({ values: [replaceNul(key)], ...LOCK_KEY_SQL })
          await client.query({ values: [replaceNul(key), at], ...GIVE_BACK_SQL })
        }),
      ),
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
