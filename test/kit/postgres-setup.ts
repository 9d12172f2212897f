/** Starts one PostgreSQL for the whole run, where the machine has one, before the first test. */
import type { TestProject } from 'vitest/node'
import { migratePostgres } from '../../src/store/postgres/migrate.ts'
import { openPostgres } from '../../src/postgres/connection-pool.ts'
import { findPostgres, startPostgres } from './postgres-server.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The address of the migrated, empty database that others are copied from; null where none runs. */
    readonly postgres: string | null
  }
}

/** Of the migrated database. */
const TEMPLATE = 'template_of_tests'

export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const programs = await findPostgres()
  if (programs === null) {
    if (process.env['CI'] === 'true') throw new Error('There is no PostgreSQL to test with.')
    process.stderr.write(
      'Tests with PostgreSQL are skipped: there is no server on this machine (Debian: postgresql).\n',
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
