/** PostgreSQL migrations: concurrent starts, running gateways, and a restored database. */
import { cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { openPostgres } from '../../src/postgres/connection-pool.ts'
import { countPendingMigrations, migratePostgres } from '../../src/store/postgres/migrate.ts'
import { createPostgresStore } from '../../src/store/postgres/postgres-store.ts'
import { changeOf, mintIn, numbered } from '../contracts/store-suite.ts'
import { createEmptyDatabase, createTestDatabase, describeWithPostgres } from '../kit/postgres.ts'

const MIGRATIONS = fileURLToPath(new URL('../../migrations/postgres', import.meta.url))

function open(url: string) {
  return openPostgres({ url, connections: 4 }, () => undefined)
}

const journalSchema = z.looseObject({
  entries: z.array(
    z.object({
      idx: z.number(),
      version: z.string(),
      when: z.number(),
      tag: z.string(),
      breakpoints: z.boolean(),
    }),
  ),
})

/** Copies the migrations and adds one, as a next version would. */
async function nextVersion(sql: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-next-version-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await cp(MIGRATIONS, folder, { recursive: true })
  const file = join(folder, 'meta', '_journal.json')
  const journal = journalSchema.parse(JSON.parse(await readFile(file, 'utf8')))
  const last = journal.entries.at(-1)
  if (last === undefined) throw new Error('No migration found.')
  const next = { ...last, idx: last.idx + 1, when: last.when + 1, tag: '9999_next' }
  await writeFile(file, JSON.stringify({ ...journal, entries: [...journal.entries, next] }))
  await writeFile(join(folder, `${next.tag}.sql`), sql)
  return folder
}

describeWithPostgres('PostgreSQL', () => {
  test('runs each migration once when several gateways start at the same time', async () => {
    const database = await createEmptyDatabase()
    const gateways = numbered(6).map(() => open(database.url))
    onTestFinished(async () => {
      await Promise.all(gateways.map((gateway) => gateway.close()))
      await database.drop()
    })
    const applied = await Promise.all(gateways.map((gateway) => migratePostgres(gateway)))
    expect(applied.filter((count) => count > 0)).toHaveLength(1)
    const stores = await Promise.all(gateways.map((gateway) => createPostgresStore(gateway)))
    expect(new Set(stores.map(({ deployment }) => deployment)).size).toBe(1)
  })

  test('running gateways read uploads while the index of uids is built anew', async () => {
    const database = await createTestDatabase()
    const gateway = open(database.url)
    const client = await gateway.connect({ lock_timeout: 5000 })
    onTestFinished(async () => {
      await client.end()
      await gateway.close()
      await database.drop()
    })
    await client.query(
      'drop index uploads_by_uid; create unique index uploads_uid on uploads (uid)',
    )
    const file = await readFile(join(MIGRATIONS, '0010_uploads_by_uid.sql'), 'utf8')
    const [first = '', second = ''] = file.split('--> statement-breakpoint')
    await client.query('begin')
    // The build of an index is the long part of the transaction.
    expect(first).toContain('CREATE UNIQUE INDEX')
    await client.query(first)
    const { rows } = await gateway.pool.query('select count(*)::int as uploads from uploads')
    expect(rows).toEqual([{ uploads: 0 }])
    await client.query(second)
    await client.query('commit')
  })

  test('leaves the database unchanged when a migration fails', async () => {
    const database = await createTestDatabase()
    const gateway = open(database.url)
    onTestFinished(async () => {
      await gateway.close()
      await database.drop()
    })
    const broken = await nextVersion(
      'alter table uploads add column note text;\n--> statement-breakpoint\nselect nonsense;',
    )
    await expect(migratePostgres(gateway, broken)).rejects.toThrow(/nonsense/)
    const client = await gateway.connect()
    expect(await countPendingMigrations(client, broken)).toBe(1)
    const { rows } = await client.query(
      "select 1 from information_schema.columns where table_name = 'uploads' and column_name = 'note'",
    )
    expect(rows).toEqual([])
    await client.end()
  })

  test('serves the previous version during and after the next migration', async () => {
    const database = await createEmptyDatabase()
    const [before, next] = [open(database.url), open(database.url)]
    onTestFinished(async () => {
      await Promise.all([before.close(), next.close()])
      await database.drop()
    })
    const store = await createPostgresStore(before)
    const uploads = await Promise.all(numbered(300).map((id) => mintIn(store, { id })))
    const folder = await nextVersion(
      [
        "alter table uploads add column note text not null default ''",
        'create index uploads_by_note on uploads (note)',
        'create table notes (upload_id text primary key references uploads (id))',
      ].join(';\n--> statement-breakpoint\n'),
    )
    const stopping = new AbortController()
    let done = 0
    async function work(worker: number): Promise<void> {
      for (let round = 0; !stopping.signal.aborted || round < 20; round += 1) {
        const upload = uploads[(worker * 50 + round) % uploads.length]
        if (upload === undefined) throw new Error('Upload not found.')
        const fresh = await mintIn(store, { id: `new-${worker}-${round}` })
        expect(await store.saveVersion(changeOf(fresh, { status: 'QUEUED' }))).toBe(true)
        expect(await store.find(upload.uid)).toEqual(upload)
        done += 3
      }
    }
    const working = Promise.all([0, 1, 2, 3].map(work))
    expect(await migratePostgres(next, folder)).toBe(1)
    const duringMigration = done
    stopping.abort()
    await working
    expect(done).toBeGreaterThan(duringMigration)
    // A gateway of the previous version that starts now has nothing to migrate.
    const late = open(database.url)
    expect(await migratePostgres(late)).toBe(0)
    await late.close()
  })

  test('finds changes after a restore to a server with other transaction ids', async () => {
    const database = await createTestDatabase()
    const gateway = open(database.url)
    onTestFinished(async () => {
      await gateway.close()
      await database.drop()
    })
    const store = await createPostgresStore(gateway)
    await mintIn(store, { id: 'restored' })
    await gateway.pool.query('alter table uploads disable trigger upload_noted')
    await gateway.pool.query("update uploads set changed_in = '9000000000000'")
    await gateway.pool.query('alter table uploads enable trigger upload_noted')
    await migratePostgres(gateway)
    const { rows } = await gateway.pool.query(
      'select changed_in < pg_snapshot_xmax(pg_current_snapshot()) as past from uploads',
    )
    expect(rows).toEqual([{ past: true }])
  })
})

describe('each migration', () => {
  test('only adds, so that the previous version runs during a rolling update', async () => {
    const files = (await readdir(MIGRATIONS)).filter((name) => name.endsWith('.sql'))
    expect(files.length).toBeGreaterThan(0)
    for (const file of files) {
      const sql = await readFile(join(MIGRATIONS, file), 'utf8')
      expect(sql).not.toMatch(
        /\b(drop (table|column|view|function)|rename|alter column|set not null)\b/i,
      )
    }
  })
})
