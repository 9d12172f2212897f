/** Time until a change reaches thousands of subscribers of one upload, and memory per subscriber. */
import { setTimeout as pause } from 'node:timers/promises'
import { type Contestant, measureRounds, withContestants, withServer } from '../compare-servers.ts'
import { cpuMicroseconds, openFilesLimit, residentBytes } from '../cpu.ts'
import { type Entry, type Round, createEntry, median } from '../entry.ts'
import type { PreparedRequest } from '../load/connection.ts'
import { WEBHOOK_STEP, prepareWebhook, postJson, targetOf } from '../load/requests.ts'
import { uidOf } from '../seed.ts'
import { type Setup, WEBHOOK_SECRET, startFakeStream, startPeer } from '../setup.ts'
import { bearer } from '../tokens.ts'
import type { Row } from './row.ts'
import { headgate, seededCopy } from './seeded.ts'

export type Transport = 'sse' | 'ws'

const SUBSCRIBERS = 5000
/** Changes per round, and how many of the last are counted: the first reach an idle server. */
const CHANGES = 15
const COUNTED = 10
/** Milliseconds before memory is measured, so that garbage is collected. */
const PAUSE_BEFORE_MEMORY_MS = 3000
/** Subscribers per caller, below the gateway's limits of 1,000 subscriptions and 100 sockets. */
const SUBSCRIBERS_PER_CALLER: Readonly<Record<Transport, number>> = { sse: 800, ws: 80 }
const TITLES: Readonly<Record<Transport, string>> = {
  sse: 'bare SSE, one shared buffer',
  ws: 'bare ws, one shared buffer',
}

/** Results of all compared servers, by name. */
export interface FanOut {
  /** Milliseconds until the last subscriber received a change, by round. */
  readonly lasts: (name: string) => readonly Round[]
  /** Memory per subscriber in bytes; null when unknown. */
  readonly bytes: (name: string) => number | null
}

export const fanOut: Row = {
  name: 'fan-out',
  partOf: 'quick',
  needsPeers: false,
  async run(setup) {
    const entries: Entry[] = []
    for (const transport of ['sse', 'ws'] as const) {
      entries.push(...entriesOf(transport, await measureFanOut(setup, transport, SUBSCRIBERS)))
    }
    return entries
  },
}

function entriesOf(transport: Transport, { lasts, bytes }: FanOut): readonly Entry[] {
  const memoryRounds = (name: string): Round[] => [
    { value: (bytes(name) ?? NaN) / 1000, cpu: null, problem: null },
  ]
  const count = SUBSCRIBERS.toLocaleString('en')
  const label = transport === 'sse' ? 'SSE' : 'WebSocket'
  return [
    createEntry({
      row: `last of ${count} subscribers by ${label}`,
      unit: 'ms',
      rounds: lasts('headgate'),
      peer: { name: TITLES[transport], rounds: lasts('bare') },
      target: { atMost: 1.5 },
      isRatio: true,
    }),
    createEntry({
      row: `memory per subscriber, ${label}`,
      unit: 'kB',
      rounds: memoryRounds('headgate'),
      peer: { name: TITLES[transport], rounds: memoryRounds('bare') },
      target: { atMost: 20 },
      isRatio: false,
    }),
  ]
}

/** Measures the gateway and the bare server, each with the same number of subscribers. */
export async function measureFanOut(
  setup: Setup,
  transport: Transport,
  subscribers: number,
  peer: 'bare' | null = 'bare',
): Promise<FanOut> {
  expectDescriptors(subscribers * (peer === null ? 1 : 2))
  const file = await seededCopy(setup, `fan-out-${transport}-${subscribers}`)
  const bare = { name: 'bare', start: () => startPeer(setup, `bare-${transport}`, {}) }
  return withServer(
    () => startFakeStream(setup),
    (stream) => {
      const entrants = [headgate(setup, file, stream), ...(peer === null ? [] : [bare])]
      return withContestants(entrants, async (contestants) => {
        const memory = new Map<string, number | null>()
        for (const contestant of contestants) {
          memory.set(contestant.name, await subscribeAll(setup, contestant, transport, subscribers))
        }
        const results = await measureRounds(setup, contestants, (contestant, _warmUpMs, round) =>
          timeChanges(setup, contestant, subscribers, round),
        )
        for (const { name } of contestants) {
          const { lost, firstLost } = await setup.load.unsubscribe(name)
          if (lost > 0) throw new Error(`${name} lost ${lost} subscribers: ${String(firstLost)}`)
        }
        return { lasts: results, bytes: (name) => memory.get(name) ?? null }
      })
    },
  )
}

/** Reserve for files that a process opens besides its sockets. */
const OTHER_FILES = 200

/** Throws when the limit of open files is too low for these connections. */
function expectDescriptors(connections: number): void {
  const limit = openFilesLimit()
  if (limit === null || connections + OTHER_FILES <= limit) return
  throw new Error(`${connections} connections need more than ${limit} open files: ulimit -n 65536`)
}

/** Opens the subscribers and returns the server's memory per subscriber in bytes. */
async function subscribeAll(
  { load, log }: Setup,
  { name, server }: Contestant,
  transport: Transport,
  subscribers: number,
): Promise<number | null> {
  log(`${subscribers} subscribers for ${name}`)
  const before = residentBytes(server.pid)
  const callers = Math.ceil(subscribers / SUBSCRIBERS_PER_CALLER[transport])
  // Administrators may watch uploads of other creators.
  const tokens = Array.from({ length: callers }, (_, at) =>
    bearer(`watcher-${at}`, 'uploads:admin'),
  )
  await load.subscribe({
    group: name,
    transport,
    target: targetOf(server.url),
    tokens: Array.from({ length: subscribers }, (_, at) => tokens[at % callers] ?? ''),
    uid: uidOf(0),
  })
  await pause(PAUSE_BEFORE_MEMORY_MS)
  const after = residentBytes(server.pid)
  return before === null || after === null ? null : (after - before) / subscribers
}

/** Median of milliseconds until the last subscriber received a change, and CPU time per delivery. */
async function timeChanges(
  { load }: Setup,
  { name, server }: Contestant,
  subscribers: number,
  round: number,
): Promise<Round> {
  const lasts: number[] = []
  const before = cpuMicroseconds(server.pid)
  for (let change = 0; change < CHANGES; change += 1) {
    const percent = Number((1 + (round * CHANGES + change) * WEBHOOK_STEP).toFixed(6))
    const expected = `"encodingPercent":${percent}}`
    const { last } = await load.change({ group: name, request: changeOf(name, percent), expected })
    lasts.push(last)
  }
  const after = cpuMicroseconds(server.pid)
  const cpu = before === null || after === null ? null : (after - before) / CHANGES / subscribers
  return { value: median(lasts.slice(-COUNTED)), cpu, problem: null }
}

/** A webhook for the gateway; for the bare server, the event that it sends to its subscribers. */
function changeOf(name: string, percent: number): PreparedRequest {
  if (name === 'headgate') return prepareWebhook(WEBHOOK_SECRET, uidOf(0), percent)
  const progress = { encodingPercent: percent }
  const upload = { status: 'IN_PROGRESS', version: 12, progress }
  const event = JSON.stringify({ data: { uploadStatus: upload } })
  return { bytes: postJson('/change', event), marker: '' }
}
