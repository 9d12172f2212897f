/** Prints what a battery found, as a table that can be quoted. */
import { type Row, megabytes, print, seconds } from '../chaos/report.ts'
import type { BatteryOutcome } from './run.ts'
import type { HoardOutcome } from './document-cache-inputs.ts'
import { statusClasses } from './check-response.ts'
import { type Tally, sumOf } from './counts.ts'

const HEADINGS = ['family', 'inputs', ...statusClasses, 'p99 ms', 'slowest ms']
/** More of them say nothing new. */
const MAX_PRINTED = 30

/** Straight to the terminal: the figures are the point of the run. */
export function printBattery(outcome: BatteryOutcome): void {
  const { options, tallies, honest, before, after, minted, violations, messages, tookMs } = outcome
  const rows = [
    HEADINGS,
    ...[...tallies].map(([name, tally]) => cells(name, tally)),
    cells('all', sumOf([...tallies.values()])),
  ]
  process.stdout.write(
    `\nHostile inputs with HEADGATE_FUZZ_SEED=${options.seed}\n${tableOf(rows)}\n`,
  )
  print('Meanwhile and afterwards', [
    // Caches that were empty before would pass for growth.
    ...(options.fillsCaches ? memoryRows(outcome) : []),
    [
      'longest busy with one thing',
      `${Math.max(before.longestBusyMs, after.longestBusyMs).toFixed(0)} ms`,
    ],
    [
      'processor time of the gateway / of the test',
      `${after.cpuSeconds.toFixed(0)} s / ${(process.cpuUsage().user / 1e6).toFixed(0)} s`,
    ],
    ['an honest caller asked / was answered otherwise', `${honest.asked} / ${honest.wrong.length}`],
    ['and waited at most', `${honest.slowestMs.toFixed(0)} ms`],
    [
      'uploads minted / most in a minute / allowed',
      `${minted.uploads} / ${minted.most} / ${minted.allowed}`,
    ],
    ['refusals in the log', messages.get('request rejected') ?? 0],
    [
      'notices refused / applied / kept',
      ['webhook rejected', 'webhook applied', 'webhook stored: no matching upload yet']
        .map((name) => messages.get(name) ?? 0)
        .join(' / '),
    ],
    ['seconds in all', seconds(tookMs)],
    ['violations', violations.length],
    ...violations.slice(0, MAX_PRINTED).map((violation) => ['  VIOLATION', violation] as const),
  ])
}

function memoryRows({ before, after }: BatteryOutcome): Row[] {
  const grown = after.heapUsed - before.heapUsed
  return [
    [
      'heap after the warm-up / after all',
      `${inMegabytes(before.heapUsed)} / ${inMegabytes(after.heapUsed)}: ${inMegabytes(grown)} more`,
    ],
    ['external memory', `${inMegabytes(before.external)} / ${inMegabytes(after.external)}`],
    ['resident memory', `${megabytes(before.rss)} / ${megabytes(after.rss)}`],
  ]
}

/** How much is remembered of documents that are as long as they may be. */
export function printHoard({ documents, before, after }: HoardOutcome): void {
  print(`${documents} documents of 250 kB`, [
    ['heap before / after', `${inMegabytes(before.heapUsed)} / ${inMegabytes(after.heapUsed)}`],
    ['resident memory', `${megabytes(before.rss)} / ${megabytes(after.rss)}`],
  ])
}

function cells(name: string, { inputs, classes, p99Ms, slowestMs }: Tally): string[] {
  return [
    name,
    String(inputs),
    ...statusClasses.map((one) => String(classes[one])),
    p99Ms.toFixed(1),
    slowestMs.toFixed(0),
  ]
}

function tableOf(rows: readonly (readonly string[])[]): string {
  const widths = HEADINGS.map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  )
  return rows
    .map((row) => {
      const [name = '', ...figures] = row
      const right = figures.map((figure, index) => figure.padStart(widths[index + 1] ?? 0))
      return `  ${name.padEnd(widths[0] ?? 0)}  ${right.join('  ')}`
    })
    .join('\n')
}

function inMegabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
