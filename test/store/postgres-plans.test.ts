/** PostgreSQL executes every query of the store by an index. */
import { expect, test } from 'vitest'
import { listedStatuses } from '../../src/uploads/upload.ts'
import { TARGET, callbackOf, mintWith } from '../contracts/callback-store.ts'
import { changeOf, unlimited, mintIn } from '../contracts/store-suite.ts'
import { fillPostgres } from '../kit/fill-postgres.ts'
import { describeWithPostgres } from '../kit/postgres.ts'
import { after, reservationOf } from '../kit/samples.ts'
import { openPostgresStore } from './open-postgres-store.ts'

describeWithPostgres('PostgreSQL', () => {
  test('reads no table completely, with 20,000 uploads', async () => {
    const { store, pool } = await openPostgresStore(4)
    const upload = await mintIn(store, { id: 'one', idempotencyKey: 'key' })
    const { rows: columns } = await pool.query<{ list: string }>(
      `select string_agg(case column_name
        when 'id' then quote_literal('id-') || ' || n'
        when 'uid' then quote_literal('uid-') || ' || n'
        when 'creator' then quote_literal('creator-') || ' || n % 1000'
        when 'created_at' then 'created_at + n * interval ' || quote_literal('1 second')
        when 'check_at' then 'check_at + n * interval ' || quote_literal('1 second')
        when 'idempotency_key' then quote_literal('key-') || ' || n'
        else quote_ident(column_name) end, ', ' order by ordinal_position) as list
      from information_schema.columns where table_name = 'uploads'`,
    )
    await pool.query(
      `insert into uploads select ${columns[0]?.list} from uploads, generate_series(1, 20000) n`,
    )
    await pool.query(
      "insert into upload_events select id, 1, 'PENDING_UPLOAD', 'MUTATION', created_at from uploads on conflict do nothing",
    )
    await store.runMaintenance(after(1))
    for (const table of ['uploads', 'upload_events', 'upload_tallies']) {
      await pool.query(`vacuum analyze ${table}`)
    }
    const scans = async (): Promise<unknown[]> => {
      await pool.query('select pg_stat_force_next_flush()')
      const { rows } = await pool.query<object>(
        "select relname, seq_scan::int from pg_stat_user_tables where relname in ('uploads', 'upload_events') order by relname",
      )
      return rows
    }
    const before = await scans()
    const range = { direction: 'older', limit: 20 } as const
    const from = { createdAt: after(5000), id: 'id-5000' }
    for (let round = 0; round < 8; round += 1) {
      await store.find(upload.uid)
      await store.findMany([upload.uid, 'uid-7'])
      await store.findByKey('alice', 'key', after(0))
      await store.list({}, range)
      await store.list({}, { ...range, from })
      await store.list({}, { direction: 'newer', limit: 20, from })
      await store.list({ creator: 'creator-7' }, range)
      await store.list({ statuses: listedStatuses }, range)
      await store.list({ statuses: listedStatuses }, { direction: 'newer', limit: 20, from })
      await store.list({ statuses: listedStatuses, creator: 'creator-7' }, range)
      await store.list({ createdAfter: after(100), createdBefore: after(200) }, range)
      await store.count({})
      await store.count({ creator: 'creator-7' })
      await store.countByStatus()
      await store.quotaUsage('creator-7')
      await store.historyOf(['id-1', 'id-2'])
      await store.findReferences(['id-1', 'nobody'])
      await store.findDue(after(16 + round), 20)
      await store.reschedulePolls([
        { uid: 'uid-7', version: 1, pollAt: after(90 + round), idlePolls: round },
      ])
      await store.renewWatchLeases(['uid-3'], after(1), after(2), true)
      await store.oldestDuePoll()
      await store.pendingReservations(after(1), 20)
      await store.deleteRetiredBefore(after(-1))
      await store.reserve(reservationOf({ id: `new-${round}` }), unlimited)
      await store.reserve(reservationOf({ id: `linked-${round}` }), {
        ...unlimited,
        tokenLimit: { tokenId: 'link', maxUploads: 9 },
      })
      await store.countByToken('link')
      await store.release(`new-${round}`)
    }
    // Statistics of a connection appear once its transaction has ended.
    await store.ping()
    expect(await scans()).toEqual(before)
  })

  test('sums the quota usage of one creator without reading pending changes of others', async () => {
    const { store, pool } = await openPostgresStore(4)
    await pool.query(
      `insert into upload_tally_changes (creator, status, protocol, uploads, reserved_seconds, stored_seconds)
      select 'creator-' || n % 1000, 'PENDING_UPLOAD', 'BASIC', 1, 60, 0 from generate_series(1, 20000) n`,
    )
    await pool.query('vacuum analyze upload_tally_changes')
    const scans = async (): Promise<unknown[]> => {
      await pool.query('select pg_stat_force_next_flush()')
      const { rows } = await pool.query<object>(
        "select seq_scan::int from pg_stat_user_tables where relname = 'upload_tally_changes'",
      )
      return rows
    }
    const before = await scans()
    for (let round = 0; round < 8; round += 1) {
      expect(await store.quotaUsage('creator-7')).toEqual({
        reservedSeconds: 1200,
        storedSeconds: 0,
      })
      expect(await store.count({ creator: 'creator-7' })).toBe(20)
      const reservation = reservationOf({ id: `over ${round}`, creator: 'creator-7' })
      expect(
        await store.reserve(reservation, { creatorQuotaSeconds: 1200, keysValidSince: after(0) }),
      ).toEqual({ kind: 'over-quota', usedSeconds: 1200 })
    }
    await store.ping()
    expect(await scans()).toEqual(before)
    expect(await store.quotaUsage()).toEqual({ reservedSeconds: 1_200_000, storedSeconds: 0 })
  })

  test('finds the upload of each write by itself, with 2,000 reservations since the last statistics', async () => {
    const { store, pool, url } = await openPostgresStore(1)
    const filling = { creators: 10, newest: after(0) }
    await fillPostgres(url, { ...filling, uploads: 2000, status: 'READY' })
    await pool.query('vacuum analyze uploads')
    await fillPostgres(url, { ...filling, uploads: 2000, status: 'RESERVED' })
    const rowsRead = async (): Promise<number> => {
      await pool.query('select pg_stat_force_next_flush()')
      const { rows } = await pool.query<{ read: number }>(
        `select (seq_tup_read + (select sum(idx_tup_read) from pg_stat_user_indexes where relname = 'uploads'))::int as read
        from pg_stat_user_tables where relname = 'uploads'`,
      )
      return rows[0]?.read ?? Number.NaN
    }
    const before = await rowsRead()
    // The first executions of a prepared statement have plans of their own.
    const ids = ['0', '1', '2', '3', '4', '5', '6', '7']
    for (const id of ids) {
      const upload = await mintWith(store, `minted-${id}`, callbackOf(`minted-${id}`, 1))
      await store.saveVersion({ ...changeOf(upload, {}), callback: callbackOf(id, 2) })
      await store.saveVersion(changeOf({ ...upload, version: 2 }, {}))
      await store.reserve(reservationOf({ id: `released-${id}` }), unlimited)
      await store.release(`released-${id}`)
      await store.reserve(reservationOf({ id: `retired-${id}` }), unlimited)
      await store.retire(`retired-${id}`)
    }
    expect((await rowsRead()) - before).toBeLessThan(20 * ids.length)
  })

  test.each(['with', 'without'])(
    'finds callbacks by an index among 20,000, %s statistics',
    async (statistics) => {
      const { store, pool } = await openPostgresStore(1)
      // The first calls prepare the statements, on empty tables.
      await store.callbacks.claimDeliveries(TARGET, after(9), 1, after(24))
      await pool.query(
        `insert into callback_events (id, upload_id, version, type, at, body)
        select 'event-' || n, 'upload-' || n / 4, 1 + n % 4, 'upload.updated', now(), '{}' from generate_series(0, 19999) n`,
      )
      await pool.query(
        `insert into callback_deliveries (upload_id, target, version, event_id, at, state, attempts, due_at)
        select upload_id, $1, version, id, at, 'waiting', 0, case when version = 1 then at end from callback_events`,
        [TARGET],
      )
      if (statistics === 'with')
        await pool.query('vacuum analyze callback_events, callback_deliveries')
      // The database may be that of an earlier test.
      else
        await pool.query(
          "delete from pg_statistic where starelid = 'callback_deliveries'::regclass",
        )
      // Rows read without an index, or by the index of all that waits for a target.
      const rowsRead = async (): Promise<number> => {
        await pool.query('select pg_stat_force_next_flush()')
        const { rows } = await pool.query<{ read: number }>(
          `select (select sum(seq_tup_read) from pg_stat_user_tables where relname like 'callback_%')::int
            + (select idx_tup_read from pg_stat_user_indexes where indexrelname = 'callback_deliveries_waiting')::int
            as read`,
        )
        return rows[0]?.read ?? Number.NaN
      }
      const before = await rowsRead()
      for (const id of ['0', '1', '2', '3', '4', '5', '6', '7']) {
        const upload = await mintWith(store, id, callbackOf(id, 1))
        await store.saveVersion({ ...changeOf(upload, {}), callback: callbackOf(id, 2) })
        const due = await store.callbacks.claimDeliveries(TARGET, after(9), 16, after(24))
        expect(due).toHaveLength(16)
        const outcome = { kind: 'delivered' } as const
        const results = due.map((delivery) => ({ delivery, outcome, status: 204, error: null }))
        await store.callbacks.recordResults(results, after(9))
        await store.callbacks.nextDelivery([TARGET])
      }
      expect(await rowsRead()).toBe(before)
    },
  )
})
