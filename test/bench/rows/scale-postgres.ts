/** Ten minutes of creations on a PostgreSQL with a million uploads: the last minute compared with the second. */
import { createPostgresStore, openPostgres } from 'headgate'
import { Client } from 'pg'
import { z } from 'zod'
import { withServer } from '../compare-servers.ts'
import { type Entry, type Target, createEntry, roundOf } from '../entry.ts'
import { targetOf } from '../load/requests.ts'
import type { Measured } from '../load/work.ts'
import { mintOne, prepareRequests } from '../operations.ts'
import { type SeededPostgres, withSeededPostgres } from '../postgres.ts'
import type { Server } from '../processes.ts'
import { THOUSAND_CREATORS } from '../seed.ts'
import { type Setup, startFakeStream, startGatewayOn } from '../setup.ts'
import { CONNECTIONS } from './drive-all.ts'
import type { Row } from './row.ts'

/** Uploads written through the store, and copies of each by SQL, which is faster. */
const WRITTEN = 1000
const COPIES = 999
const UPLOADS = WRITTEN * (1 + COPIES)
const MINUTES = 10
const MINUTE_MS = 60_000
const DATABASE = 'PostgreSQL'
/** Largest number of changes of totals that are left to merge before the first minute. */
const FEW_CHANGES = 1000
/** Bytes per creation: less than a row that is left in another table with each. */
const MAX_OTHER_BYTES = 100

/** One minute, and the size of all tables but those of uploads and their events at its end, in bytes. */
interface Minute {
  readonly measured: Measured
  readonly otherBytes: number
}

export const scalePostgres: Row = {
  name: 'scale-postgres',
  partOf: 'scale',
  needsPeers: false,
  run: async (setup) =>
    (await withSeededPostgres(setup, WRITTEN, async (database) => {
      setup.log(`copying them, ${UPLOADS.toLocaleString('en')} in all`)
      await copyUploads(database.url)
      return withServer(
        () => startFakeStream(setup),
        (stream) =>
          withServer(
            () => startGatewayOn(setup, database.url, stream, {}, null),
            (gateway) => measureMinutes(setup, database, gateway),
          ),
      )
    })) ?? [],
}

/** Older copies with their own ids, and the events of all. */
const COPY = `insert into uploads select copy.*
  from uploads as written, generate_series(1, ${COPIES}) as n,
    jsonb_populate_record(written, jsonb_build_object(
      'id', md5(written.id || n), 'uid', md5(written.uid || n),
      'created_at', written.created_at - n * interval '2 minutes'
    )) as copy`
const COPY_EVENTS = `insert into upload_events select copy.id, event.version, event.status, event.source, event.at
  from upload_events as event join uploads as written on written.id = event.upload_id, generate_series(1, ${COPIES}) as n,
    lateral (select md5(written.id || n) as id) as copy`

/** Copies the uploads, and merges their totals, so that the gateway has nothing left to do for them. */
async function copyUploads(url: string): Promise<void> {
  for (const query of [COPY, COPY_EVENTS]) await execute(url, query)
  const postgres = openPostgres({ url, connections: 1 }, () => undefined)
  const store = await createPostgresStore(postgres)
  do await store.runMaintenance(new Date())
  while ((await readNumber(url, 'select count(*) from upload_tally_changes')) > FEW_CHANGES)
  await postgres.pool.query('vacuum analyze')
  await store.close()
}

async function measureMinutes(
  { load, log, firstWarmUpMs }: Setup,
  database: SeededPostgres,
  gateway: Server,
): Promise<readonly Entry[]> {
  const requests = prepareRequests(THOUSAND_CREATORS.length, (at) =>
    mintOne(at, THOUSAND_CREATORS[at]),
  )
  const minutes: Minute[] = []
  for (let minute = 1; minute <= MINUTES; minute += 1) {
    const measured = await load.closedLoop({
      target: targetOf(gateway.url),
      source: { kind: 'list', requests },
      connections: CONNECTIONS,
      pid: gateway.pid,
      processGroups: { [DATABASE]: [database.pid] },
      warmUpMs: minute === 1 ? firstWarmUpMs : 0,
      windowMs: MINUTE_MS,
    })
    log(`minute ${minute} of ${MINUTES}: ${measured.rate.toFixed(0)} per second`)
    minutes.push({ measured, otherBytes: await readNumber(database.url, OTHER_BYTES) })
  }
  const [second, last] = [minutes[1], minutes.at(-1)]
  if (second === undefined || last === undefined) throw new Error('No minute was measured.')
  const later = minutes.slice(2).reduce((sum, { measured }) => sum + measured.accepted.count, 0)
  const growth = (last.otherBytes - second.otherBytes) / later
  return [
    compareMinutes('createDirectUpload, last minute', 'req/s', minutes, { atLeast: 0.9 }, rateOf),
    compareMinutes('PostgreSQL per creation, last minute', 'µs', minutes, { atMost: 1.1 }, cpuOf),
    createEntry({
      row: 'growth of other tables per creation',
      unit: 'bytes',
      rounds: [roundOf(last.measured, growth)],
      peer: null,
      target: { atMost: MAX_OTHER_BYTES },
      isRatio: false,
    }),
  ]
}

const rateOf = ({ rate }: Measured): number => rate
const cpuOf = ({ processCpu }: Measured): number => processCpu[DATABASE] ?? NaN

/** Compares the last minute with the second, and notes all minutes. */
function compareMinutes(
  row: string,
  unit: string,
  minutes: readonly Minute[],
  target: Target,
  valueOf: (measured: Measured) => number,
): Entry {
  const rounds = minutes.map(({ measured }) => roundOf(measured, valueOf(measured)))
  return createEntry({
    row: `${row}, with ${UPLOADS.toLocaleString('en')} uploads`,
    unit,
    rounds: rounds.slice(-1),
    peer: { name: 'second minute', rounds: rounds.slice(1, 2) },
    target,
    isRatio: true,
    notes: [`minutes: ${rounds.map(({ value }) => value.toFixed(0)).join(', ')} ${unit}`],
  })
}

const OTHER_BYTES = `select sum(pg_total_relation_size(relid)) from pg_stat_user_tables
  where relname not in ('uploads', 'upload_events')`

const oneNumber = z.tuple([z.record(z.string(), z.coerce.number())])

/** Returns the first column of the only row. */
async function readNumber(url: string, query: string): Promise<number> {
  const [row] = oneNumber.parse(await execute(url, query))
  return Object.values(row)[0] ?? NaN
}

/** Without the timeouts of the gateway's connections. */
async function execute(url: string, query: string): Promise<unknown> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(query)).rows
  } finally {
    await client.end()
  }
}
