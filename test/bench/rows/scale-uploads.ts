/** Rates of reading, listing and creating with 1,000 up to 1,000,000 uploads in the database. */
import { join } from 'node:path'
import { type Contestant, withContestants, withServer } from '../compare-servers.ts'
import { type Entry, createEntry, rateOf } from '../entry.ts'
import type { PreparedRequest } from '../load/connection.ts'
import { listNewest, mintOne, readOne, prepareRequests } from '../operations.ts'
import { CREATORS, seed } from '../seed.ts'
import { type Setup, startFakeStream, startGateway } from '../setup.ts'
import { driveAll } from './drive-all.ts'
import type { Row } from './row.ts'

const SIZES = [1000, 100_000, 1_000_000]
const DIFFERENT = 1000
/** Minimum ratio of the rate to that with the smallest database. */
const MIN_RATIO = 0.7

const title = (size: number): string => `${size.toLocaleString('en')} uploads`

export const scaleUploads: Row = {
  name: 'scale-uploads',
  partOf: 'scale',
  needsPeers: false,
  run: (setup) =>
    withServer(
      () => startFakeStream(setup),
      async (stream) => {
        const entrants = []
        for (const size of SIZES) {
          setup.log(`writing ${title(size)}`)
          const file = join(setup.folder, `scale-${size}.db`)
          await seed(file, size)
          entrants.push({ name: title(size), start: () => startGateway(setup, file, stream) })
        }
        return withContestants(entrants, (gateways) => measureAll(setup, gateways))
      },
    ),
}

async function measureAll(
  setup: Setup,
  gateways: readonly Contestant[],
): Promise<readonly Entry[]> {
  const entries: Entry[] = []
  for (const [row, requestsOf] of [
    // Distributed over the whole database, regardless of its size.
    [
      'upload(uid)',
      (size: number) => prepareRequests(DIFFERENT, (at) => readOne(at * (size / DIFFERENT))),
    ],
    ['uploads(first: 20)', () => prepareRequests(CREATORS.length, (at) => listNewest(at, 20))],
    // Last, because it grows the small database.
    ['createDirectUpload', () => prepareRequests(200, mintOne)],
  ] as const) {
    setup.log(row)
    entries.push(...(await measureOne(setup, gateways, row, requestsOf)))
  }
  return entries
}

async function measureOne(
  setup: Setup,
  gateways: readonly Contestant[],
  row: string,
  requestsOf: (size: number) => readonly PreparedRequest[],
): Promise<readonly Entry[]> {
  const lists = new Map(SIZES.map((size) => [title(size), requestsOf(size)]))
  const results = await driveAll(setup, gateways, (_round, name) => ({
    kind: 'list',
    requests: lists.get(name) ?? [],
  }))
  const [smallest = 0, ...larger] = SIZES
  const smallestResults = results(title(smallest))
  return larger.map((size) => {
    const sizeResults = results(title(size))
    return createEntry({
      row: `${row} of ${title(size)}`,
      unit: 'req/s',
      rounds: sizeResults.map(rateOf),
      peer: { name: title(smallest), rounds: smallestResults.map(rateOf) },
      target: { atLeast: MIN_RATIO },
      isRatio: true,
    })
  })
}
