/** Delivery time of a change per subscriber, with 100 up to 10,000 subscribers. */
import { type Entry, type Round, createEntry } from '../entry.ts'
import type { Setup } from '../setup.ts'
import { measureFanOut } from './fan-out.ts'
import type { Row } from './row.ts'

const SUBSCRIBER_COUNTS = [100, 1000, 5000, 10_000]
/** With fewer subscribers, the change itself takes longer than its delivery. */
const COMPARED_WITH = 1000
/** Maximum ratio of the time per subscriber with up to ten times as many subscribers. */
const MAX_RATIO = 1.5

const title = (subscribers: number): string => `${subscribers.toLocaleString('en')} subscribers`

export const scaleFanOut: Row = {
  name: 'scale-fan-out',
  partOf: 'scale',
  needsPeers: false,
  async run(setup) {
    const lasts = new Map<number, readonly Round[]>()
    for (const subscribers of SUBSCRIBER_COUNTS)
      lasts.set(subscribers, await timeOne(setup, subscribers))
    return SUBSCRIBER_COUNTS.map((subscribers) => entryOf(lasts, subscribers))
  },
}

/** Microseconds until the last subscriber received the change, divided by their number. */
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
  return createEntry({
    row: `last of ${title(subscribers)}, per subscriber`,
    unit: 'µs',
    rounds: lasts.get(subscribers) ?? [],
    peer: compared ? { name: title(COMPARED_WITH), rounds: lasts.get(COMPARED_WITH) ?? [] } : null,
    target: compared ? { atMost: MAX_RATIO } : null,
    isRatio: compared,
  })
}
