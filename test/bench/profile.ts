/** Where the time of a server goes: samples of V8's profiler, by whose code they were taken in. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

/** A stretch of measuring, in microseconds of the clock that all processes of a machine share. */
export interface Window {
  readonly from: number
  readonly until: number
  /** Answers that came in it. */
  readonly answers: number
}

/** Whose code it is, by a part of its address: the first that fits. */
const OWNERS: readonly (readonly [owner: string, address: RegExp])[] = [
  ['SQLite and its disk', /better-sqlite3|dist\/store\/|drizzle/],
  ['Stream: calls, notices', /\/undici\/|dist\/stream\/|pooled-send/],
  ['GraphQL', /\/graphql\/|graphql-|dist\/graphql\/|dist\/http\/lane\//],
  [
    'doors and telemetry',
    /dist\/(?:http|node|telemetry)\/|dist\/(?:log|redact)|pino|sonic|prom-client/,
  ],
  ['uploads', /dist\/uploads\//],
  ['HTTP server of Node', /^node:(?:_http|net|internal\/(?:streams|stream_base|timers|process))/],
]
const COLLECTOR = 'garbage collection'
const OTHERS = 'everything else'

const profile = z.object({
  startTime: z.number(),
  nodes: z.array(
    z.object({
      id: z.number(),
      children: z.array(z.number()).optional(),
      callFrame: z.object({ functionName: z.string(), url: z.string() }),
    }),
  ),
  samples: z.array(z.number()),
  timeDeltas: z.array(z.number()),
})
export type CpuProfile = z.infer<typeof profile>

/** Microseconds of each answer, by whose code they were spent in; what is waited for has no owner. */
export function ownersOf(
  taken: CpuProfile,
  windows: readonly Window[],
): ReadonlyMap<string, number> {
  const answers = windows.reduce((sum, window) => sum + window.answers, 0)
  const ownerOf = ownersByNode(taken)
  const spent = new Map<string, number>()
  let at = taken.startTime
  for (const [place, delta] of taken.timeDeltas.entries()) {
    at += delta
    const owner = ownerOf.get(taken.samples[place] ?? -1)
    const isMeasured = windows.some(({ from, until }) => at >= from && at <= until)
    if (owner === undefined || !isMeasured) continue
    spent.set(owner, (spent.get(owner) ?? 0) + delta / answers)
  }
  return spent
}

/** What is native is its caller's; nobody's where the process had nothing to do. */
function ownersByNode({ nodes }: CpuProfile): ReadonlyMap<number, string> {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const callers = new Map(
    nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])),
  )
  const owners = new Map<number, string>()
  for (const { id, callFrame } of nodes) {
    if (callFrame.functionName === '(idle)') continue
    if (callFrame.functionName === '(garbage collector)') {
      owners.set(id, COLLECTOR)
      continue
    }
    let owner: string | undefined
    for (let one: number | undefined = id; one !== undefined; one = callers.get(one)) {
      const url = byId.get(one)?.callFrame.url ?? ''
      if (url === '') continue
      owner = OWNERS.find(([, address]) => address.test(url))?.[0]
      break
    }
    owners.set(id, owner ?? OTHERS)
  }
  return owners
}

/** What is taken down while servers are driven, and told when they have ended. */
export interface Profiler {
  /** What to give Node, before the program. */
  readonly flagsFor: (name: string) => readonly string[]
  readonly note: (name: string, window: Window) => void
  /** A table: owners by servers, in microseconds of each answer. */
  readonly tell: () => string
}

export function createProfiler(folder: string): Profiler {
  const windows = new Map<string, Window[]>()
  const folderOf = (name: string): string => join(folder, 'profiles', name)
  return {
    flagsFor: (name) => ['--cpu-prof', `--cpu-prof-dir=${folderOf(name)}`],
    note(name, window) {
      windows.set(name, [...(windows.get(name) ?? []), window])
    },
    tell() {
      const columns = [...windows].map(
        ([name, measured]) => [name, ownersOf(readProfile(folderOf(name)), measured)] as const,
      )
      const owners = [...OWNERS.map(([owner]) => owner), COLLECTOR, OTHERS]
      const rows = owners.map((owner) => ({
        owner,
        amounts: columns.map(([, spent]) => spent.get(owner) ?? 0),
      }))
      const all = columns.map(([, spent]) => [...spent.values()].reduce((sum, one) => sum + one, 0))
      const names = columns.map(([name]) => name)
      return drawOwners(names, [...rows, { owner: 'all', amounts: all }])
    },
  }
}

function readProfile(folder: string): CpuProfile {
  const [file = ''] = readdirSync(folder)
  return profile.parse(JSON.parse(readFileSync(join(folder, file), 'utf8')))
}

interface Spent {
  readonly owner: string
  /** Microseconds of each answer, server by server. */
  readonly amounts: readonly number[]
}

function drawOwners(names: readonly string[], rows: readonly Spent[]): string {
  const widest = Math.max(...names.map((name) => name.length), 6)
  const line = (first: string, others: readonly string[]): string =>
    [first.padEnd(22), ...others.map((other) => other.padStart(widest))].join('  ')
  return [
    line('µs of each answer', names),
    ...rows.map(({ owner, amounts }) =>
      line(
        owner,
        amounts.map((amount) => amount.toFixed(1)),
      ),
    ),
  ].join('\n')
}

/** Now, by the clock that V8's profiler goes by. */
export function monotonicMicroseconds(): number {
  return Number(process.hrtime.bigint() / 1000n)
}
