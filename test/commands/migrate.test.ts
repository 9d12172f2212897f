/** `headgate migrate --from --to` as a process: output, exit codes, and a second run after a kill. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import { type Build, build, start } from '../kit/command.ts'
import { fillStore } from '../kit/fill-store.ts'
import { type TestDatabase, createEmptyDatabase, describeWithPostgres } from '../kit/postgres.ts'
import { after, reservationOf } from '../kit/samples.ts'

const UPLOADS = 12_345

/** Returns 0 also before the table exists. */
async function countRows(client: Client): Promise<number> {
  const { rows: tables } = await client.query("select from pg_tables where tablename = 'uploads'")
  if (tables.length === 0) return 0
  const text = 'select count(*)::int from uploads'
  const { rows } = await client.query<unknown[]>({ text, rowMode: 'array' })
  return Number(rows.flat()[0])
}

describeWithPostgres('headgate migrate --from --to', () => {
  let built: Build
  let folder: string
  let file: string
  let database: TestDatabase

  beforeAll(async () => {
    built = await build()
    folder = await mkdtemp(join(tmpdir(), 'headgate-copy-'))
    file = join(folder, 'headgate.db')
    database = await createEmptyDatabase()
    fillStore(file, { uploads: UPLOADS, creators: 9, newest: after(0) })
    const store = createSqliteStore(file)
    const rules = { creatorQuotaSeconds: null, keysValidSince: after(0) }
    await store.reserve(reservationOf({ id: 'waiting' }), rules)
    await store.saveUnmatchedWebhook('unmatched', '{}', after(0))
    await store.close()
  }, 60_000)
  afterAll(async () => {
    await built.remove()
    await database.drop()
    await rm(folder, { recursive: true, force: true })
  })

  async function migrate(...args: readonly string[]) {
    const run = start(built, ['migrate', ...args], {})
    const code = await run.ended
    return { code, stdout: run.stdout(), stderr: run.stderr() }
  }

  const secret = 'postgres://user:hunter2@127.0.0.1:1/nowhere'

  it.each([
    [['--from', 'file:x.db'], '--to is missing.'],
    [['--to', secret], '--from is missing.'],
    [['--from', secret, '--to', secret], '--from is invalid.'],
    [['--from', 'x.db', '--to', secret], '--from is invalid.'],
    [['--from', 'file:x.db', '--to', 'file:y.db'], '--to is invalid.'],
    [['--from', 'file:x.db', '--to', secret], 'no database at x.db.'],
  ])('%j fails with the correct usage', async (args, message) => {
    const { code, stdout, stderr } = await migrate(...args)
    expect([code, stdout, stderr]).toEqual([1, '', expect.stringContaining(message)])
    expect(stderr).not.toContain('hunter2')
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  })

  it('names an unreachable server without its password', async () => {
    const { code, stderr } = await migrate('--from', `file:${file}`, '--to', secret)
    expect([code, stderr]).toEqual([
      1,
      `headgate: Copying file:${file} to postgres://127.0.0.1:1/nowhere failed (ECONNREFUSED). No data is lost. Run the command again.\n`,
    ])
  })

  it('fails for a database without the tables and asks to run migrate on it', async () => {
    const other = join(folder, 'other.db')
    const connection = new Database(other)
    connection.exec('create table something (id)')
    connection.close()
    const { code, stderr } = await migrate('--from', `file:${other}`, '--to', database.url)
    expect([code, stderr]).toEqual([1, expect.stringContaining('Run `headgate migrate` first')])
  })

  it('fails for a file that is not a database', async () => {
    const other = join(folder, 'sentence.db')
    await writeFile(other, 'This is a sentence and not a database. '.repeat(100))
    const { code, stderr } = await migrate('--from', `file:${other}`, '--to', database.url)
    expect([code, stderr]).toEqual([1, expect.stringMatching(/NOTADB.*damaged.*restore a backup/)])
  })

  it('copies everything when it runs again after a kill', async () => {
    const from = `file:${file}`
    const client = new Client({ connectionString: database.url })
    await client.connect()
    const run = start(built, ['migrate', '--from', from, '--to', database.url], {})
    while (run.child.exitCode === null && (await countRows(client)) === 0);
    run.child.kill('SIGKILL')
    expect(await run.ended).toBeNull()
    const copied = await countRows(client)
    expect(copied).toBeGreaterThan(0)
    expect(copied).toBeLessThan(UPLOADS)
    await client.end()

    const { code, stdout, stderr } = await migrate('--from', from, '--to', database.url)
    const { host, pathname } = new URL(database.url)
    expect([code, stderr, stdout]).toEqual([
      0,
      '',
      `${from} → postgres://${host}${pathname}: 12,345 uploads, 1 reservation, 12,345 events, 1 webhook, 0 callbacks: equal in both databases.\n`,
    ])
  })

  it('names the difference between the databases', async () => {
    const client = new Client({ connectionString: database.url })
    await client.connect()
    await client.query(
      'update uploads set version = 2 where id = (select max(id) from uploads where uid is not null)',
    )
    await client.end()
    const { code, stdout, stderr } = await migrate('--from', `file:${file}`, '--to', database.url)
    const { host, pathname } = new URL(database.url)
    const name = `postgres://${host}${pathname}`
    expect([code, stdout, stderr]).toEqual([
      1,
      '',
      `headgate: file:${file} and ${name} differ: 12,345 recorded versions in file:${file}, 12,346 in ${name}. A gateway has already used ${name} (1 upload). Continue with only one of the two databases.\n`,
    ])
  })

  it('rejects a target of another deployment', async () => {
    const other = join(folder, 'other-deployment.db')
    await createSqliteStore(other).close()
    const { code, stderr } = await migrate('--from', `file:${other}`, '--to', database.url)
    expect([code, stderr]).toEqual([1, expect.stringContaining('uploads of another deployment')])
  })
})
