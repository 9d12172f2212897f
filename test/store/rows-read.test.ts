/** A list reads as many rows as its page needs, with any filter and any number of uploads. */
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { createD1Store } from '../../src/store/d1/d1-store.ts'
import { type D1Server, type Query, observeQueries, startD1 } from '../kit/d1.ts'
import { fillPostgres } from '../kit/fill-postgres.ts'
import { describeWithPostgres } from '../kit/postgres.ts'
import { CREATED_AT } from '../kit/samples.ts'
import { BUSY_CREATOR, listQueries } from './list-queries.ts'
import { openPostgresStore } from './open-postgres-store.ts'

const UPLOADS = 2000
const RESERVATIONS = 2000

let server: D1Server
beforeAll(async () => {
  server = await startD1()
})
afterAll(() => server.stop())

/**
 * Uploads one second apart, with as many newer rows above them: deleted uploads, and reservations that never
 * became uploads.
 */
const FILL_D1 = `
  with recursive row(n) as (select 0 union all select n + 1 from row where n < ${UPLOADS + RESERVATIONS - 1})
  insert into uploads (id, protocol, creator, meta, max_duration_seconds, max_size_bytes, allowed_origins,
    require_signed_urls, expires_at, created_at, requested_by, fingerprint, uid, upload_url, status, version,
    updated_at, received, reserved_seconds, stored_seconds, idle_checks)
  select 'id-' || n, iif(n = 0, 'TUS', 'BASIC'), '${BUSY_CREATOR}', '{}', 60, 1, '[]', 0,
    ${CREATED_AT.getTime()}, ${CREATED_AT.getTime()} + n * 1000, '${BUSY_CREATOR}', '',
    iif(n < ${UPLOADS} or n % 2, 'uid-' || n, null),
    iif(n < ${UPLOADS} or n % 2, 'https://upload.example.com/', null),
    case when n >= ${UPLOADS} then iif(n % 2, 'DELETED', 'RETIRED') when n = 0 then 'ERROR' else 'READY' end, 1,
    ${CREATED_AT.getTime()}, 0, 0, 0, 0
  from row`

const batchResults = z.array(z.object({ rowsRead: z.number() }))

test('D1 and SQLite read no more rows than the page needs, for each filter', async () => {
  const { database, drop } = await server.create()
  onTestFinished(drop)
  let executed: readonly Query[] = []
  const store = await createD1Store(
    observeQueries(database, (queries) => {
      executed = queries
    }),
  )
  await database.prepare(FILL_D1).raw()
  const tooMany: object[] = []
  for (const { filter, range, uploads } of listQueries) {
    await store.list(filter, range)
    const repeated = executed.map(({ source, values }) => database.prepare(source).bind(...values))
    const read = batchResults
      .parse(await database.batch(repeated))
      .reduce((sum, result) => sum + result.rowsRead, 0)
    // Each row is read in the index, when sorted and when returned; JSON parameters add some.
    if (read > 4 * uploads + 40) tooMany.push({ filter, range, uploads, read })
  }
  expect(tooMany).toEqual([])
})

describeWithPostgres('PostgreSQL', () => {
  test('reads no more rows than the page needs, for each filter', async () => {
    // One connection, because a connection sees its own statistics first.
    const { store, pool, url } = await openPostgresStore(1)
    const filling = { creators: 1, newest: new Date(CREATED_AT.getTime() + (UPLOADS - 1) * 1000) }
    await fillPostgres(url, { ...filling, uploads: UPLOADS, status: 'READY' })
    await pool.query("update uploads set status = 'ERROR', protocol = 'TUS' where id = 'filled-1'")
    const later = new Date(filling.newest.getTime() + RESERVATIONS * 1000)
    for (const status of ['RETIRED', 'DELETED'] as const) {
      await fillPostgres(url, {
        creators: 1,
        newest: later,
        uploads: RESERVATIONS,
        status,
      })
    }
    await pool.query('vacuum analyze uploads')
    const rowsRead = async (): Promise<number> => {
      await pool.query('select pg_stat_force_next_flush()')
      const { rows } = await pool.query<{ read: number }>(
        `select (seq_tup_read + (select sum(idx_tup_read) from pg_stat_user_indexes where relname = 'uploads'))::int as read
        from pg_stat_user_tables where relname = 'uploads'`,
      )
      return rows[0]?.read ?? 0
    }
    const tooMany: object[] = []
    // PostgreSQL plans a prepared statement for its values first, and later once for all values.
    for (const mode of ['force_custom_plan', 'force_generic_plan']) {
      await pool.query(`set plan_cache_mode = ${mode}`)
      for (const { filter, range, uploads } of listQueries) {
        const before = await rowsRead()
        await store.list(filter, range)
        const read = (await rowsRead()) - before
        if (read > 2 * uploads) tooMany.push({ mode, filter, range, uploads, read })
      }
    }
    expect(tooMany).toEqual([])
  })
})
