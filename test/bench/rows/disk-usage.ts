/** What an upload takes of the disk, in each database, with its indexes and its history. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from 'pg'
import { z } from 'zod'
import { type Entry, judge } from '../entry.ts'
import { withSeededPostgres } from '../postgres.ts'
import { seed } from '../seed.ts'
import type { Row } from './row.ts'

const UPLOADS = 20_000

export const room: Row = {
  name: 'room',
  partOf: 'scale',
  needsPeers: false,
  async run(setup) {
    const file = join(setup.folder, 'room.db')
    setup.say(`writing ${UPLOADS} uploads into SQLite`)
    await seed(file, UPLOADS)
    const shared = await withSeededPostgres(setup, UPLOADS, ({ url }) => bytesOfTables(url))
    return [
      entryOf('SQLite', statSync(file).size),
      ...(shared === null ? [] : [entryOf('PostgreSQL', shared)]),
    ]
  },
}

function entryOf(database: string, bytes: number): Entry {
  return judge({
    row: `an upload in ${database}`,
    unit: 'bytes',
    ours: [{ value: bytes / UPLOADS, cpu: null, problem: null }],
    peer: null,
    target: null,
    isRatio: false,
  })
}

const summed = z.tuple([z.object({ bytes: z.coerce.number() })])

/** As they are after each upload was written, minted and made ready, and the rests were cleared away. */
async function bytesOfTables(url: string): Promise<number> {
  const client = new Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query(
    "select sum(pg_total_relation_size(oid)) as bytes from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace",
  )
  await client.end()
  const [{ bytes }] = summed.parse(rows)
  return bytes
}
