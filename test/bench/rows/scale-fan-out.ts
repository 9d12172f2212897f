/** One change to an upload that a hundred watch, and ten thousand. */
import { type Entry, type Round, judge } from '../entry.ts'
import type { Setup } from '../setup.ts'
import { measureFanOut } from './fan-out.ts'
import type { Row } from './row.ts'

const GROUPS = [100, 1000, 5000, 10_000]
/** Below this what the change itself takes weighs more than the crowd does. */
const COMPARED_WITH = 1000
/** With ten times as many, each costs at most so much more. */
const FLAT = 1.5

const title = (subscribers: number): string => `${subscribers.toLocaleString('en')} subscribers`

export const scaleFanOut: Row = {
  name: 'scale-fan-out',
  partOf: 'scale',
  needsPeers: false,
  async run(setup) {
    const lasts = new Map<number, readonly Round[]>()
    for (const subscribers of GROUPS) lasts.set(subscribers, await timeOne(setup, subscribers))
    return GROUPS.map((subscribers) => entryOf(lasts, subscribers))
  },
}

/** Microseconds until the last has it, for each of them. */
async function timeOne(setup: Setup, subscribers: number): Promise<readonly Round[]> {
  const { lasts } = await measureFanOut(setup, 'sse', subscribers, null)
  return lasts('headgate').map(({ value, cpu, problem }) => ({
    value: (value * 1000) / subscribers,
    cpu,
    problem,
  }))
}

function entryOf(lasts: ReadonlyMap<number, readonly Round[]>, subscribers: number): Entry {
  const compared = subscribers > COMPARED_WITH
  return judge({
    row: `last of ${title(subscribers)}, for each`,
    unit: 'µs',
    ours: lasts.get(subscribers) ?? [],
    peer: compared ? { name: title(COMPARED_WITH), rounds: lasts.get(COMPARED_WITH) ?? [] } : null,
    target: compared ? { atMost: FLAT } : null,
    isRatio: compared,
  })
}
