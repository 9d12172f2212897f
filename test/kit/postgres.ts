/** Databases for tests on the PostgreSQL server of the run. */
import { randomUUID } from 'node:crypto'
import { Client } from 'pg'
import { describe, inject } from 'vitest'

/** Skips the tests when there is no PostgreSQL, which the setup has reported. */
export function describeWithPostgres(name: string, tests: () => void): void {
  const described = inject('postgres') === null ? describe.skip : describe
  described(name, tests)
}

export interface TestDatabase {
  readonly url: string
  /** Disconnects all clients first. */
  readonly drop: () => Promise<void>
}

/** Emptied migrated databases, which are faster to reuse than to create. */
const reusableDatabases: string[] = []

/** Returns a migrated database without a row. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const url =
    reusableDatabases.pop() ??
    (await createDatabase(new URL(inject('postgres') ?? '').pathname.slice(1)))
  return {
    url,
    async drop() {
      await truncate(url)
      reusableDatabases.push(url)
    },
  }
}

/** Returns a database without tables, for tests of the first start. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
  const url = await createDatabase('template0')
  const name = new URL(url).pathname.slice(1)
  return { url, drop: () => execute(serverURL(), `drop database ${name} with (force)`) }
}

async function createDatabase(template: string): Promise<string> {
  const url = serverURL()
  const name = `test_${randomUUID().replaceAll('-', '')}`
  await execute(url, `create database ${name} template ${template}`)
  url.pathname = name
  return url.href
}

/** The URL of the maintenance database. */
function serverURL(): URL {
  const url = new URL(inject('postgres') ?? '')
  url.pathname = 'postgres'
  return url
}

function truncate(url: string): Promise<void> {
  return execute(
    new URL(url),
    `do $$ declare names text; begin
      select string_agg(format('%I', tablename), ',') into names from pg_tables
      where schemaname = 'public' and tablename <> 'headgate_migrations';
      execute 'truncate ' || names;
    end $$`,
  )
}

async function execute(url: URL, statement: string): Promise<void> {
  const client = new Client({ connectionString: url.href })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
