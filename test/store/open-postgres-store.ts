/** Opens a store on PostgreSQL for one test. */
import type { Pool } from 'pg'
import { onTestFinished } from 'vitest'
import { openPostgres } from '../../src/postgres/connection-pool.ts'
import { createPostgresStore } from '../../src/store/postgres/postgres-store.ts'
import type { UploadStore } from '../../src/uploads/ports/upload-store.ts'
import { createTestDatabase } from '../kit/postgres.ts'

export interface OpenPostgresStore {
  readonly store: UploadStore
  /** The connections of the store. */
  readonly pool: Pool
  readonly url: string
}

/** Opens a store on an empty database until the test ends. */
export async function openPostgresStore(connections: number): Promise<OpenPostgresStore> {
  const { url, drop } = await createTestDatabase()
  const postgres = openPostgres({ url, connections }, () => undefined)
  const store = await createPostgresStore(postgres)
  onTestFinished(async () => {
    await store.close()
    await drop()
  })
  return { store, pool: postgres.pool, url }
}
