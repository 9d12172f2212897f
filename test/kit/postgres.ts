/** Databases for tests on the run's own PostgreSQL. */
import { randomUUID } from 'node:crypto'
import { Client } from 'pg'
import { describe, inject } from 'vitest'

/** Skips where there is no PostgreSQL, which the run has said. */
export function describeWithPostgres(name: string, tests: () => void): void {
  const described = inject('postgres') === null ? describe.skip : describe
  described(name, tests)
}

export interface TestDatabase {
  readonly url: string
  /** Nobody is connected any more. */
  drop(): Promise<void>
}

/** Migrated databases that a test is done with, emptied: that is sooner done than another made. */
const spare: string[] = []

/** A migrated database of its own, without a row. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const url =
    spare.pop() ?? (await createDatabase(new URL(inject('postgres') ?? '').pathname.slice(1)))
  return {
    url,
    async drop() {
      await emptied(url)
      spare.push(url)
    },
  }
}

/** A database with nothing in it, for tests of what is done first. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
  const url = await createDatabase('template0')
  const name = new URL(url).pathname.slice(1)
  return { url, drop: () => ask(serverURL(), `drop database ${name} with (force)`) }
}

async function createDatabase(template: string): Promise<string> {
  const url = serverURL()
  const name = `test_${randomUUID().replaceAll('-', '')}`
  await ask(url, `create database ${name} template ${template}`)
  url.pathname = name
  return url.href
}

/** Of the database that administrators are in. */
function serverURL(): URL {
  const url = new URL(inject('postgres') ?? '')
  url.pathname = 'postgres'
  return url
}

function emptied(url: string): Promise<void> {
  return ask(
    new URL(url),
    `do $$ declare names text; begin
      select string_agg(format('%I', tablename), ',') into names from pg_tables
      where schemaname = 'public' and tablename <> 'headgate_migrations';
      execute 'truncate ' || names;
    end $$`,
  )
}

async function ask(url: URL, statement: string): Promise<void> {
  const client = new Client({ connectionString: url.href })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
