/** A PostgreSQL that can be read and not written: what clients and orchestrators receive. */
import { Client } from 'pg'
import { expect, onTestFinished, test, vi } from 'vitest'
import { openPostgres } from '../../src/postgres/connection-pool.ts'
import { createPostgresStore } from '../../src/store/postgres/postgres-store.ts'
import { startTestGateway } from '../kit/gateway.ts'
import { createDirectUpload, expectMinted } from '../kit/operations.ts'
import { createEmptyDatabase, describeWithPostgres } from '../kit/postgres.ts'

/** An empty database, with statements of an administrator who is connected to another database. */
async function createDatabase() {
  const database = await createEmptyDatabase()
  onTestFinished(() => database.drop())
  const url = new URL(database.url)
  const name = url.pathname.slice(1)
  url.pathname = 'postgres'
  const administrator = new Client({ connectionString: url.href })
  await administrator.connect()
  onTestFinished(() => administrator.end())
  return {
    url: database.url,
    /** Sets whether new connections accept writes, and ends the present ones, as a failover does. */
    async setReadOnly(value: 'on' | 'off') {
      await administrator.query(
        `alter database "${name}" set default_transaction_read_only = ${value}`,
      )
      await administrator.query(
        'select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1',
        [name],
      )
    },
  }
}

describeWithPostgres('PostgreSQL', () => {
  test('that is read-only makes /readyz respond 503 until it accepts writes', async () => {
    const database = await createDatabase()
    const gateway = await startTestGateway({ DATABASE_URL: database.url, AUTH_DISABLED: 'true' })
    const probe = async () => {
      const response = await fetch(`${gateway.url}/readyz`)
      return { status: response.status, json: await response.json() }
    }
    expect(await probe()).toMatchObject({ status: 200 })

    await database.setReadOnly('on')
    // The first attempts can use a connection that the server has ended.
    await vi.waitFor(async () => {
      await expect(createDirectUpload(gateway.as())).rejects.toThrow('database is unavailable')
      expect(await probe()).toEqual({
        status: 503,
        json: { status: 'not ready', reasons: [expect.stringContaining('accepts no writes')] },
      })
    }, 5000)

    await database.setReadOnly('off')
    await vi.waitFor(async () => expect(await probe()).toMatchObject({ status: 200 }), 5000)
    expectMinted(await createDirectUpload(gateway.as()))
  })

  test('with a full disk fails the ping until a write succeeds', async () => {
    const database = await createDatabase()
    const postgres = openPostgres({ url: database.url, connections: 2 }, () => undefined)
    const store = await createPostgresStore(postgres)
    onTestFinished(() => store.close())
    // Fails inserts as a server does that cannot extend the file of a table.
    await postgres.pool.query(`
      create function fail() returns trigger language plpgsql as
        $$ begin raise 'could not extend file' using errcode = 'disk_full'; end $$;
      create trigger full_disk before insert on kept_notices execute function fail()`)
    await store.ping()
    const save = () => store.saveUnmatchedWebhook('0123', '{}', new Date())
    const reason = 'The disk of PostgreSQL is full. Free some space.'
    await expect(save()).rejects.toMatchObject({ reason })
    await expect(store.ping()).rejects.toMatchObject({ reason })

    await postgres.pool.query('drop trigger full_disk on kept_notices')
    await vi.waitFor(() => store.ping(), 5000)
    await save()
    const { rows } = await postgres.pool.query('select uid from kept_notices')
    expect(rows).toEqual([{ uid: '0123' }])
  })
})
