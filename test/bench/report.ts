/** Formats the results as a table and as JSON. */
import { readFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { notPinnedMessage } from './cores.ts'
import { type Entry, type Round, type Target, median, medianCpu, valuesOf } from './entry.ts'
import { PEERS, ROOT } from './paths.ts'

const HEAD = [
  'row',
  'headgate',
  'against',
  'theirs',
  'ratio',
  'target',
  '',
  'µs each',
  'theirs',
  'by µs',
  'load',
]

/** One line per entry; problems and notes follow the table. */
export function formatTable(entries: readonly Entry[]): string {
  const rows = [HEAD, ...entries.map(cellsOf)]
  const widths = HEAD.map((_, column) =>
    Math.max(...rows.map((cells) => cells[column]?.length ?? 0)),
  )
  const lines = rows.map((cells) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  return [...lines, '', ...entries.flatMap(footnotesOf)].join('\n')
}

function cellsOf(entry: Entry): string[] {
  const { row, unit, rounds, peer, ratio, target, isRatio, verdict } = entry
  return [
    row,
    spread(rounds, unit),
    peer?.name ?? '',
    peer === null ? '' : spread(peer.rounds, unit),
    ratio === null ? '' : short(ratio),
    target === null ? '' : `${isRatio ? '' : 'absolute '}${formatTarget(target)}`,
    verdict === 'reported' ? '' : verdict,
    shortOrEmpty(medianCpu(rounds)),
    shortOrEmpty(medianCpu(peer?.rounds ?? [])),
    shortOrEmpty(entry.cpuRatio),
    entry.busiest === null ? '' : `${Math.round(entry.busiest * 100)} %`,
  ]
}

function footnotesOf({ row, peer, problems, notes = [] }: Entry): string[] {
  const label = peer === null ? row : `${row} / ${peer.name}`
  return [
    ...problems.map((problem) => `! ${label}: ${problem}`),
    ...notes.map((note) => `  ${label}: ${note}`),
  ]
}

function spread(rounds: readonly Round[], unit: string): string {
  const values = valuesOf(rounds).filter(Number.isFinite)
  if (values.length === 0) return '–'
  const ends = `${short(Math.min(...values))}–${short(Math.max(...values))}`
  return `${short(median(values))} ${unit}${values.length > 1 ? ` (${ends})` : ''}`
}

function formatTarget(target: Target): string {
  if ('atMost' in target) return `<= ${target.atMost}`
  return `${'by' in target ? 'by µs ' : ''}>= ${short(target.atLeast)}`
}

function shortOrEmpty(value: number | null): string {
  return value === null ? '' : short(value)
}

/** Rounds to about three significant digits. */
function short(value: number): string {
  if (!Number.isFinite(value)) return '–'
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 4
  return value.toLocaleString('en', { maximumFractionDigits: digits })
}

/** All measurements and the machine, as JSON. */
export function toJson(
  machine: ReturnType<typeof describeMachine>,
  entries: readonly Entry[],
): string {
  return `${JSON.stringify({ machine, entries }, null, 2)}\n`
}

const manifest = z.object({ version: z.string() })
const COMPARED = ['mercurius', 'fastify', '@apollo/server', 'graphql-yoga', 'express']
const OWN = ['undici', 'ws', 'better-sqlite3', 'graphql']

/** The machine, its current load, and the versions of the measured packages. */
export function describeMachine() {
  const [processor] = cpus()
  return {
    at: new Date().toISOString(),
    node: process.version,
    processor: `${cpus().length} x ${processor?.model.trim() ?? 'unknown'}`,
    pinned: notPinnedMessage === null,
    /** Load average of the last minute. */
    load: loadavg()[0] ?? 0,
    versions: Object.fromEntries([
      ['headgate', versionIn(ROOT)],
      ...COMPARED.map((name) => [name, versionIn(join(PEERS, 'node_modules', name))]),
      ...OWN.map((name) => [name, versionIn(join(ROOT, 'node_modules', name))]),
    ]),
  }
}

function versionIn(folder: string): string | null {
  try {
    return manifest.parse(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))).version
  } catch {
    return null
  }
}
