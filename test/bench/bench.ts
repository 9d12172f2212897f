/**
 * `npm run bench`: measures every row together with its peers, and prints a table and writes a file.
 * Exits with 1 if a target is missed, and with 2 for invalid arguments.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { type Arguments, USAGE, readArguments } from './arguments.ts'
import { notPinnedMessage } from './cores.ts'
import { type Entry, createEntry } from './entry.ts'
import { startLoadGenerator } from './load/drive.ts'
import { ROOT } from './paths.ts'
import { createProfiler } from './profile.ts'
import { describeMachine, formatTable, toJson } from './report.ts'
import type { Row } from './rows/row.ts'
import { rows } from './rows/rows.ts'
import { type Pace, type Setup, missingPeersMessage } from './setup.ts'

const PACES: Readonly<Record<Arguments['run'], Pace>> = {
  quick: { rounds: 3, firstWarmUpMs: 2000, warmUpMs: 500, windowMs: 3000 },
  full: { rounds: 5, firstWarmUpMs: 5000, warmUpMs: 1000, windowMs: 10_000 },
  scale: { rounds: 3, firstWarmUpMs: 2000, warmUpMs: 500, windowMs: 3000 },
}

/** Load average of an otherwise idle machine after the build. */
const IDLE_LOAD = 1

// Started processes are killed on the `exit` event, which a signal alone does not emit.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
process.exitCode = await main()

async function main(): Promise<number> {
  const args = parseArguments()
  if (args === null) return 2
  const chosen = choose(args)
  if (chosen === null) return 2

  const machine = describeMachine()
  log(`Node ${machine.node} on ${machine.processor}.`)
  if (notPinnedMessage !== null) log(notPinnedMessage)
  if (machine.load > IDLE_LOAD) {
    log(`The machine is busy (load ${machine.load.toFixed(1)}): its times are not reliable.`)
  }
  const folder = join(ROOT, '.headgate/bench')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const load = startLoadGenerator()
  const pace = PACES[args.run]
  const rounds = args.rounds ?? pace.rounds
  const setup: Setup = { ...pace, rounds, folder, load, profiler: null, log }
  const entries: Entry[] = []
  try {
    for (const row of chosen) {
      const profiler = args.profile ? createProfiler(join(folder, row.name)) : null
      entries.push(...(await measure(row, { ...setup, profiler })))
      if (profiler !== null) process.stdout.write(`\n${row.name}\n${profiler.report()}\n`)
    }
  } finally {
    load.end()
    rmSync(folder, { recursive: true, force: true })
  }

  const file = resolve(ROOT, args.jsonFile)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, toJson(machine, entries))
  process.stdout.write(`\n${formatTable(entries)}\n\nAll rounds: ${file}\n`)
  if (args.profile) {
    process.stdout.write('Profiled, which slows everything down: no target was checked.\n')
    return 0
  }
  const missed = entries.filter(({ verdict }) => verdict === 'missed')
  if (missed.length > 0) process.stdout.write(`Targets missed: ${missed.length}\n`)
  return missed.length === 0 ? 0 : 1
}

/** Measures a row. A row that fails has missed its targets; the next rows are measured nevertheless. */
async function measure(row: Row, setup: Setup): Promise<readonly Entry[]> {
  const logRow = (message: string): void => log(`${row.name}: ${message}`)
  try {
    return await row.run({ ...setup, log: logRow })
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error)
    const failed = { value: NaN, cpu: null, problem }
    return [
      createEntry({
        row: row.name,
        unit: '',
        rounds: [failed],
        peer: null,
        target: null,
        isRatio: false,
      }),
    ]
  }
}

function parseArguments(): Arguments | null {
  try {
    return readArguments(process.argv.slice(2))
  } catch (error) {
    log(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`)
    return null
  }
}

/** Returns null, after a message, when a row is unknown or its peers are not installed. */
function choose({ run, only }: Arguments): readonly Row[] | null {
  const known = rows.map(({ name }) => name)
  const unknown = only.filter((name) => !known.includes(name))
  if (unknown.length > 0) {
    log(`Unknown rows: ${unknown.join(', ')}. Rows: ${known.join(', ')}`)
    return null
  }
  const inRun = rows.filter(
    ({ partOf }) => partOf === run || (run === 'full' && partOf === 'quick'),
  )
  const chosen = only.length === 0 ? inRun : rows.filter(({ name }) => only.includes(name))
  const missing = chosen.some(({ needsPeers }) => needsPeers) ? missingPeersMessage() : null
  if (missing !== null) log(missing)
  return missing === null ? chosen : null
}

function log(message: string): void {
  process.stderr.write(`${message}\n`)
}
