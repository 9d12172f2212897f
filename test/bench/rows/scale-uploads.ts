/** Minting, reading and listing with a thousand uploads in the database, and with a million. */
import { join } from 'node:path'
import { type Contestant, withContestants, withServer } from '../compare-servers.ts'
import { type Entry, judge, rateOf } from '../entry.ts'
import type { Shot } from '../load/connection.ts'
import { listNewest, mintOne, readOne, shots } from '../operations.ts'
import { CREATORS, seed } from '../seed.ts'
import { type Setup, startFakeStream, startGateway } from '../setup.ts'
import { driveAll } from './drive-all.ts'
import type { Row } from './row.ts'

const SIZES = [1000, 100_000, 1_000_000]
const DIFFERENT = 1000
/** What is left of the rate with the smallest database is at least this much with the largest. */
const FLAT = 0.7

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
          setup.say(`writing ${title(size)}`)
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
  for (const [row, shotsOf] of [
    // Asked for all over the database, however large it is.
    ['upload(uid)', (size: number) => shots(DIFFERENT, (at) => readOne(at * (size / DIFFERENT)))],
    ['uploads(first: 20)', () => shots(CREATORS.length, (at) => listNewest(at, 20))],
    // Last, since it makes the small database larger.
    ['createDirectUpload', () => shots(200, mintOne)],
  ] as const) {
    setup.say(row)
    entries.push(...(await measureOne(setup, gateways, row, shotsOf)))
  }
  return entries
}

async function measureOne(
  setup: Setup,
  gateways: readonly Contestant[],
  row: string,
  shotsOf: (size: number) => readonly Shot[],
): Promise<readonly Entry[]> {
  const lists = new Map(SIZES.map((size) => [title(size), shotsOf(size)]))
  const results = await driveAll(setup, gateways, (_round, name) => ({
    kind: 'list',
    shots: lists.get(name) ?? [],
  }))
  const [smallest = 0, ...larger] = SIZES
  const least = results(title(smallest))
  return larger.map((size) => {
    const ours = results(title(size))
    return judge({
      row: `${row} of ${title(size)}`,
      unit: 'req/s',
      ours: ours.map(rateOf),
      peer: { name: title(smallest), rounds: least.map(rateOf) },
      target: { atLeast: FLAT },
      isRatio: true,
    })
  })
}
