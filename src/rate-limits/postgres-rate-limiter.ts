/** Allowances that all gateways on one PostgreSQL share; the counting is done there, in one statement. */
import type { Postgres } from '../postgres/connection-pool.ts'
import { storable } from '../postgres/replace-nul.ts'
import { type Allowances, LONGEST_HOLD_MS } from '../uploads/ports/rate-limiter.ts'

/** Rows of one key within its span: a larger allowance is counted in steps of time. */
const MOST_ROWS = 1000

/** PostgreSQL's largest integer: nobody takes more in a minute. */
const LARGEST = 2 ** 31 - 1

const TAKE = {
  name: 'headgate_take_allowance',
  text: 'select take_allowance($1, $2::bigint, $3::integer[], $4::bigint[], $5::bigint) as seconds',
} as const
const HOLD = {
  name: 'headgate_hold_allowance',
  // One that ends later than any hold may was written by a clock that was wrong.
  text: `insert into allowance_holds as held (key, until)
    values ($1, coalesce($3::timestamptz, clock_timestamp()) + $2 * interval '1 millisecond')
    on conflict (key) do update set until = case
      when held.until > coalesce($3::timestamptz, clock_timestamp()) + $4 * interval '1 millisecond'
      then excluded.until else greatest(held.until, excluded.until) end`,
} as const
const TAKEN = {
  name: 'headgate_allowance_taken',
  text: `select coalesce(sum(uses), 0)::float8 as taken from allowances
    where key = $1 and at > coalesce($3::bigint, floor(extract(epoch from clock_timestamp()) * 1000)::bigint) - $2::bigint`,
} as const

/**
 * What is taken is kept by the server without waiting for the disk: a crash of the server itself may
 * forget the last half second of it.
 * @param now milliseconds since 1970 by another clock than the server's, for tests
 */
export function createPostgresAllowances(
  { pool, reach }: Postgres,
  now: () => number | null = () => null,
): Allowances {
  return {
    take: (key, within) =>
      reach(async () => {
        const mosts = within.map(({ most }) => Math.min(most, LARGEST))
        const spans = within.map(({ spanMs }) => spanMs)
        const grainMs =
          Math.max(0, ...mosts) <= MOST_ROWS ? 1 : Math.ceil(Math.max(...spans) / MOST_ROWS)
        const values = [storable(key), now(), mosts, spans, grainMs]
        const { rows } = await pool.query<{ seconds: number | null }>({ values, ...TAKE })
        return rows[0]?.seconds ?? null
      }),
    hold: (key, milliseconds) =>
      reach(async () => {
        const at = now()
        const held = Math.min(milliseconds, LONGEST_HOLD_MS)
        const values = [storable(key), held, at === null ? null : new Date(at), LONGEST_HOLD_MS]
        await pool.query({ ...HOLD, values })
      }),
    taken: (key, spanMs) =>
      reach(async () => {
        const values = [storable(key), spanMs, now()]
        const { rows } = await pool.query<{ taken: number }>({ values, ...TAKEN })
        return rows[0]?.taken ?? 0
      }),
  }
}
