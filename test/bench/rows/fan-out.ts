/** One change to an upload that thousands watch: until the last of them has it, and what each costs. */
import { setTimeout as pause } from 'node:timers/promises'
import { type Contestant, inTurn, withContestants, withServer } from '../compare-servers.ts'
import { cpuMicroseconds, openFilesLimit, residentBytes } from '../cpu.ts'
import { type Entry, type Round, judge, median } from '../entry.ts'
import type { Shot } from '../load/connection.ts'
import { WEBHOOK_STEP, webhookShot, postJson, targetOf } from '../load/requests.ts'
import { uidOf } from '../seed.ts'
import { type Setup, WEBHOOK_SECRET, startFakeStream, startPeer } from '../setup.ts'
import { bearer } from '../tokens.ts'
import type { Row } from './row.ts'
import { headgate, seededCopy } from './seeded.ts'

export type Transport = 'sse' | 'ws'

const SUBSCRIBERS = 5000
/** Changes of a round, and how many of them count: the first ones find a server that has slept. */
const CHANGES = 15
const COUNTED = 10
/** Milliseconds after which memory is weighed: by then what is left over is collected. */
const SETTLE_MS = 3000
/** Of one caller at most: 1,000 subscriptions, and 100 sockets. */
const CALLER_HOLDS: Readonly<Record<Transport, number>> = { sse: 800, ws: 80 }
const TITLES: Readonly<Record<Transport, string>> = {
  sse: 'bare SSE, one shared buffer',
  ws: 'bare ws, one shared buffer',
}

/** What was found out about one server with so many subscribers. */
export interface FanOut {
  /** Milliseconds from the change until the last had it, round by round. */
  readonly lasts: (name: string) => readonly Round[]
  /** Bytes of memory that each subscriber costs; null where nobody tells. */
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
  const weigh = (name: string): Round[] => [
    { value: (bytes(name) ?? NaN) / 1000, cpu: null, problem: null },
  ]
  const count = SUBSCRIBERS.toLocaleString('en')
  const spoken = transport === 'sse' ? 'SSE' : 'WebSocket'
  return [
    judge({
      row: `last of ${count} by ${spoken}`,
      unit: 'ms',
      ours: lasts('headgate'),
      peer: { name: TITLES[transport], rounds: lasts('bare') },
      target: { atMost: 1.5 },
      isRatio: true,
    }),
    judge({
      row: `memory a subscriber, ${spoken}`,
      unit: 'kB',
      ours: weigh('headgate'),
      peer: { name: TITLES[transport], rounds: weigh('bare') },
      target: { atMost: 20 },
      isRatio: false,
    }),
  ]
}

/** So many subscribers at the gateway, and as many at the bare server, and changes by turns. */
export async function measureFanOut(
  setup: Setup,
  transport: Transport,
  subscribers: number,
  beside: 'bare' | null = 'bare',
): Promise<FanOut> {
  expectDescriptors(subscribers * (beside === null ? 1 : 2))
  const file = await seededCopy(setup, `fan-out-${transport}-${subscribers}`)
  const bare = { name: 'bare', start: () => startPeer(setup, `bare-${transport}`, {}) }
  return withServer(
    () => startFakeStream(setup),
    (stream) => {
      const entrants = [headgate(setup, file, stream), ...(beside === null ? [] : [bare])]
      return withContestants(entrants, async (contestants) => {
        const weights = new Map<string, number | null>()
        for (const one of contestants) {
          weights.set(one.name, await gather(setup, one, transport, subscribers))
        }
        const results = await inTurn(setup, contestants, (one, _warmUpMs, round) =>
          timeChanges(setup, one, subscribers, round),
        )
        for (const { name } of contestants) {
          const { lost, firstLost } = await setup.load.disperse(name)
          if (lost > 0) throw new Error(`${name} lost ${lost} subscribers: ${String(firstLost)}`)
        }
        return { lasts: results, bytes: (name) => weights.get(name) ?? null }
      })
    },
  )
}

/** Files that a process may have open besides its sockets. */
const OTHER_FILES = 200

/** Throws where the process that holds all these connections could not. */
function expectDescriptors(connections: number): void {
  const limit = openFilesLimit()
  if (limit === null || connections + OTHER_FILES <= limit) return
  throw new Error(`${connections} connections need more than ${limit} open files: ulimit -n 65536`)
}

/** Returns the bytes of memory that each of them costs. */
async function gather(
  { load, say }: Setup,
  { name, server }: Contestant,
  transport: Transport,
  subscribers: number,
): Promise<number | null> {
  say(`${subscribers} subscribers for ${name}`)
  const before = residentBytes(server.pid)
  const callers = Math.ceil(subscribers / CALLER_HOLDS[transport])
  // Administrators, who may watch anybody's upload.
  const tokens = Array.from({ length: callers }, (_, at) =>
    bearer(`watcher-${at}`, 'uploads:admin'),
  )
  await load.subscribe({
    crowd: name,
    transport,
    target: targetOf(server.url),
    tokens: Array.from({ length: subscribers }, (_, at) => tokens[at % callers] ?? ''),
    uid: uidOf(0),
  })
  await pause(SETTLE_MS)
  const after = residentBytes(server.pid)
  return before === null || after === null ? null : (after - before) / subscribers
}

/**
 * The median of the changes that count, in milliseconds until the last subscriber had it; and what
 * each delivery took of the processor.
 */
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
    const told = `"encodingPercent":${percent}}`
    const { last } = await load.change({ crowd: name, shot: changeOf(name, percent), told })
    lasts.push(last)
  }
  const after = cpuMicroseconds(server.pid)
  const cpu = before === null || after === null ? null : (after - before) / CHANGES / subscribers
  return { value: median(lasts.slice(-COUNTED)), cpu, problem: null }
}

/** A notice of Stream for us; for the bare server the bytes that it is to hand on. */
function changeOf(name: string, percent: number): Shot {
  if (name === 'headgate') return webhookShot(WEBHOOK_SECRET, uidOf(0), percent)
  const progress = { encodingPercent: percent }
  const upload = { status: 'IN_PROGRESS', version: 12, progress }
  const event = JSON.stringify({ data: { uploadStatus: upload } })
  return { bytes: postJson('/change', event), marker: '' }
}
