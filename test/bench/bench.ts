/**
 * `npm run bench`: every row in turn, with its peers in the same run, as a table and a file. Exits 1
 * where a target is missed, and 2 where the command cannot be run as it was given.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { type Arguments, USAGE, readArguments } from './arguments.ts'
import { whyNotPinned } from './cores.ts'
import { type Entry, judge } from './entry.ts'
import { startLoadGenerator } from './load/drive.ts'
import { ROOT } from './paths.ts'
import { createProfiler } from './profile.ts'
import { describeMachine, drawTable, toJson } from './report.ts'
import type { Row } from './rows/row.ts'
import { rows } from './rows/rows.ts'
import { type Pace, type Setup, missingPeers } from './setup.ts'

const PACES: Readonly<Record<Arguments['run'], Pace>> = {
  quick: { rounds: 3, firstWarmUpMs: 2000, warmUpMs: 500, windowMs: 3000 },
  full: { rounds: 5, firstWarmUpMs: 5000, warmUpMs: 1000, windowMs: 10_000 },
  scale: { rounds: 3, firstWarmUpMs: 2000, warmUpMs: 500, windowMs: 3000 },
}

/** Processes that want a processor, where there is nothing but the build just before this. */
const IDLE_LOAD = 1

// Whoever ends this ends all that it has started: they are ended when it exits.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
process.exitCode = await main()

async function main(): Promise<number> {
  const asked = understand()
  if (asked === null) return 2
  const chosen = choose(asked)
  if (chosen === null) return 2

  const machine = describeMachine()
  say(`Node ${machine.node} on ${machine.processor}.`)
  if (whyNotPinned !== null) say(whyNotPinned)
  if (machine.load > IDLE_LOAD) {
    say(`The machine is busy (load ${machine.load.toFixed(1)}): its times are not to be relied on.`)
  }
  const folder = join(ROOT, '.headgate/bench')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const load = startLoadGenerator()
  const pace = PACES[asked.run]
  const rounds = asked.rounds ?? pace.rounds
  const setup: Setup = { ...pace, rounds, folder, load, profiler: null, say }
  const entries: Entry[] = []
  try {
    for (const row of chosen) {
      const profiler = asked.profile ? createProfiler(join(folder, row.name)) : null
      entries.push(...(await measure(row, { ...setup, profiler })))
      if (profiler !== null) process.stdout.write(`\n${row.name}\n${profiler.tell()}\n`)
    }
  } finally {
    load.end()
    rmSync(folder, { recursive: true, force: true })
  }

  const file = resolve(ROOT, asked.jsonFile)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, toJson(machine, entries))
  process.stdout.write(`\n${drawTable(entries)}\n\nAll rounds: ${file}\n`)
  if (asked.profile) {
    process.stdout.write('Profiled, which slows everything down: no target was judged.\n')
    return 0
  }
  const missed = entries.filter(({ verdict }) => verdict === 'missed')
  if (missed.length > 0) process.stdout.write(`Targets missed: ${missed.length}\n`)
  return missed.length === 0 ? 0 : 1
}

/** A row that could not be measured has missed its targets, and keeps no other from its turn. */
async function measure(row: Row, setup: Setup): Promise<readonly Entry[]> {
  const tellRow = (words: string): void => say(`${row.name}: ${words}`)
  try {
    return await row.run({ ...setup, say: tellRow })
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error)
    const nothing = { value: NaN, cpu: null, problem }
    return [
      judge({ row: row.name, unit: '', ours: [nothing], peer: null, target: null, isRatio: false }),
    ]
  }
}

function understand(): Arguments | null {
  try {
    return readArguments(process.argv.slice(2))
  } catch (error) {
    say(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`)
    return null
  }
}

/** Null, with a word about it, where a row is not known or cannot be run. */
function choose({ run, only }: Arguments): readonly Row[] | null {
  const known = rows.map(({ name }) => name)
  const unknown = only.filter((name) => !known.includes(name))
  if (unknown.length > 0) {
    say(`There is no row ${unknown.join(', ')}. Rows: ${known.join(', ')}`)
    return null
  }
  const inRun = rows.filter(
    ({ partOf }) => partOf === run || (run === 'full' && partOf === 'quick'),
  )
  const chosen = only.length === 0 ? inRun : rows.filter(({ name }) => only.includes(name))
  const missing = chosen.some(({ needsPeers }) => needsPeers) ? missingPeers() : null
  if (missing !== null) say(missing)
  return missing === null ? chosen : null
}

function say(words: string): void {
  process.stderr.write(`${words}\n`)
}
