/** CPU time of a server by package, from samples of V8's profiler. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

/** A measured period, in microseconds of the monotonic clock that all processes share. */
export interface Window {
  readonly from: number
  readonly until: number
  /** Responses received in this period. */
  readonly responses: number
}

/** Owner of code by its URL: the first pattern that matches. */
const OWNERS: readonly (readonly [owner: string, url: RegExp])[] = [
  ['SQLite and its disk', /better-sqlite3|dist\/store\/|drizzle/],
  ['Stream: calls, webhooks', /\/undici\/|dist\/stream\/|undici-transport/],
  ['GraphQL', /\/graphql\/|graphql-|dist\/graphql\//],
  [
    'HTTP handlers and telemetry',
    /dist\/(?:http|node|telemetry)\/|dist\/(?:log|redact)|pino|sonic|prom-client/,
  ],
  ['uploads', /dist\/uploads\//],
  ['HTTP server of Node', /^node:(?:_http|net|internal\/(?:streams|stream_base|timers|process))/],
]
const GARBAGE_COLLECTION = 'garbage collection'
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

/** Microseconds per response by owner of the code. Idle time is not included. */
export function cpuByOwner(
  cpuProfile: CpuProfile,
  windows: readonly Window[],
): ReadonlyMap<string, number> {
  const responses = windows.reduce((sum, window) => sum + window.responses, 0)
  const ownerOf = ownersByNode(cpuProfile)
  const spent = new Map<string, number>()
  let at = cpuProfile.startTime
  for (const [index, delta] of cpuProfile.timeDeltas.entries()) {
    at += delta
    const owner = ownerOf.get(cpuProfile.samples[index] ?? -1)
    const isMeasured = windows.some(({ from, until }) => at >= from && at <= until)
    if (owner === undefined || !isMeasured) continue
    spent.set(owner, (spent.get(owner) ?? 0) + delta / responses)
  }
  return spent
}

/** Owner of each node. Native code belongs to its caller; idle nodes have no owner. */
function ownersByNode({ nodes }: CpuProfile): ReadonlyMap<number, string> {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const callers = new Map(
    nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])),
  )
  const owners = new Map<number, string>()
  for (const { id, callFrame } of nodes) {
    if (callFrame.functionName === '(idle)') continue
    if (callFrame.functionName === '(garbage collector)') {
      owners.set(id, GARBAGE_COLLECTION)
      continue
    }
    let owner: string | undefined
    for (let node: number | undefined = id; node !== undefined; node = callers.get(node)) {
      const url = byId.get(node)?.callFrame.url ?? ''
      if (url === '') continue
      owner = OWNERS.find(([, pattern]) => pattern.test(url))?.[0]
      break
    }
    owners.set(id, owner ?? OTHERS)
  }
  return owners
}

/** Records measured periods while servers run, and reports their profiles after their exit. */
export interface Profiler {
  /** Flags of Node for the server with this name. */
  readonly flagsFor: (name: string) => readonly string[]
  readonly record: (name: string, window: Window) => void
  /** A table of owners and servers, in microseconds per response. */
  readonly report: () => string
}

export function createProfiler(folder: string): Profiler {
  const windows = new Map<string, Window[]>()
  const folderOf = (name: string): string => join(folder, 'profiles', name)
  return {
    flagsFor: (name) => ['--cpu-prof', `--cpu-prof-dir=${folderOf(name)}`],
    record(name, window) {
      windows.set(name, [...(windows.get(name) ?? []), window])
    },
    report() {
      const columns = [...windows].map(
        ([name, measured]) => [name, cpuByOwner(readProfile(folderOf(name)), measured)] as const,
      )
      const owners = [...OWNERS.map(([owner]) => owner), GARBAGE_COLLECTION, OTHERS]
      const rows = owners.map((owner) => ({
        owner,
        amounts: columns.map(([, spent]) => spent.get(owner) ?? 0),
      }))
      const all = columns.map(([, spent]) =>
        [...spent.values()].reduce((sum, value) => sum + value, 0),
      )
      const names = columns.map(([name]) => name)
      return drawOwners(names, [...rows, { owner: 'all', amounts: all }])
    },
  }
}

function readProfile(folder: string): CpuProfile {
  const [file = ''] = readdirSync(folder)
  return profile.parse(JSON.parse(readFileSync(join(folder, file), 'utf8')))
}

interface OwnerRow {
  readonly owner: string
  /** Microseconds per response of each server. */
  readonly amounts: readonly number[]
}

function drawOwners(names: readonly string[], rows: readonly OwnerRow[]): string {
  const widest = Math.max(...names.map((name) => name.length), 6)
  const line = (first: string, others: readonly string[]): string =>
    [first.padEnd(22), ...others.map((other) => other.padStart(widest))].join('  ')
  return [
    line('µs per response', names),
    ...rows.map(({ owner, amounts }) =>
      line(
        owner,
        amounts.map((amount) => amount.toFixed(1)),
      ),
    ),
  ].join('\n')
}

/** Current time of the clock that V8's profiler uses. */
export function monotonicMicroseconds(): number {
  return Number(process.hrtime.bigint() / 1000n)
}
