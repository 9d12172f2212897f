/** Starts one PostgreSQL server for the whole test run, if the machine has one. */
import type { TestProject } from 'vitest/node'
import { migratePostgres } from '../../src/store/postgres/migrate.ts'
import { openPostgres } from '../../src/postgres/connection-pool.ts'
import { findPostgres, startPostgres } from './postgres-server.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The URL of the migrated, empty database that others are copied from; null without a server. */
    readonly postgres: string | null
  }
}

/** The name of the migrated database. */
const TEMPLATE = 'template_of_tests'

export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const programs = await findPostgres()
  if (programs === null) {
    if (process.env['CI'] === 'true') throw new Error('PostgreSQL is not installed.')
    process.stderr.write(
      'Tests with PostgreSQL are skipped: PostgreSQL is not installed (Debian: postgresql).\n',
    )
    provide('postgres', null)
    return async () => undefined
  }
  const server = await startPostgres(programs)
  await server.createDatabase(TEMPLATE)
  const postgres = openPostgres({ url: server.url(TEMPLATE), connections: 1 }, () => undefined)
  await migratePostgres(postgres)
  await postgres.close()
  provide('postgres', server.url(TEMPLATE))
  return () => server.remove()
}
