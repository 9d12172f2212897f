/** Allowances that all gateways on one PostgreSQL share; the counting is done there, in one statement. */
import type { Postgres } from '../postgres/postgres.ts'
import { storable } from '../postgres/storable.ts'
import type { Allowances } from './allowances.ts'

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
  text: `insert into allowance_holds as held (key, until) values ($1, $2)
    on conflict (key) do update set until = greatest(held.until, excluded.until)`,
} as const
const TAKEN = {
  name: 'headgate_allowance_taken',
  text: 'select coalesce(sum(uses), 0)::float8 as taken from allowances where key = $1 and at > $2::bigint',
} as const

/**
 * What is taken is kept by the server without waiting for the disk: a crash of the server itself may
 * forget the last half second of it.
 */
export function createPostgresAllowances({ pool, reach }: Postgres): Allowances {
  return {
    take: (key, within, now) =>
      reach(async () => {
        const mosts = within.map(({ most }) => Math.min(most, LARGEST))
        const spans = within.map(({ spanMs }) => spanMs)
        const grainMs =
          Math.max(0, ...mosts) <= MOST_ROWS ? 1 : Math.ceil(Math.max(...spans) / MOST_ROWS)
        const values = [storable(key), now.getTime(), mosts, spans, grainMs]
        const { rows } = await pool.query<{ seconds: number | null }>({ values, ...TAKE })
        return rows[0]?.seconds ?? null
      }),
    hold: (key, until) =>
      reach(async () => {
        await pool.query({ ...HOLD, values: [storable(key), until] })
      }),
    taken: (key, spanMs, now) =>
      reach(async () => {
        const values = [storable(key), now.getTime() - spanMs]
        const { rows } = await pool.query<{ taken: number }>({ values, ...TAKEN })
        return rows[0]?.taken ?? 0
      }),
  }
}
