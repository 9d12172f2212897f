/** Disk space per upload in each database, including indexes and history. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from 'pg'
import { z } from 'zod'
import { type Entry, createEntry } from '../entry.ts'
import { withSeededPostgres } from '../postgres.ts'
import { seed } from '../seed.ts'
import type { Row } from './row.ts'

const UPLOADS = 20_000

export const diskUsage: Row = {
  name: 'disk-usage',
  partOf: 'scale',
  needsPeers: false,
  async run(setup) {
    const file = join(setup.folder, 'disk-usage.db')
    setup.log(`writing ${UPLOADS} uploads into SQLite`)
    await seed(file, UPLOADS)
    const postgresBytes = await withSeededPostgres(setup, UPLOADS, ({ url }) => bytesOfTables(url))
    return [
      entryOf('SQLite', statSync(file).size),
      ...(postgresBytes === null ? [] : [entryOf('PostgreSQL', postgresBytes)]),
    ]
  },
}

function entryOf(database: string, bytes: number): Entry {
  return createEntry({
    row: `disk space per upload, ${database}`,
    unit: 'bytes',
    rounds: [{ value: bytes / UPLOADS, cpu: null, problem: null }],
    peer: null,
    target: null,
    isRatio: false,
  })
}

const sumResult = z.tuple([z.object({ bytes: z.coerce.number() })])

/** Total size of all tables after every upload was created, became READY, and `vacuum` ran. */
async function bytesOfTables(url: string): Promise<number> {
  const client = new Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query(
    "select sum(pg_total_relation_size(oid)) as bytes from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace",
  )
  await client.end()
  const [{ bytes }] = sumResult.parse(rows)
  return bytes
}
