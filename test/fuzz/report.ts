/** Prints the results of a run as tables. */
import { type Row, megabytes, print, seconds } from '../chaos/report.ts'
import type { BatteryOutcome } from './run.ts'
import type { DocumentCacheOutcome } from './document-cache-inputs.ts'
import { statusClasses } from './check-response.ts'
import { type Totals, sumOf } from './counts.ts'

const HEADINGS = ['family', 'inputs', ...statusClasses, 'p99 ms', 'slowest ms']
/** Limit of printed violations. */
const MAX_PRINTED = 30

/** Writes to standard output directly, because vitest prefixes console output. */
export function printBattery(outcome: BatteryOutcome): void {
  const {
    options,
    totalsByFamily,
    baseline,
    before,
    after,
    created,
    violations,
    messages,
    durationMs,
  } = outcome
  const rows = [
    HEADINGS,
    ...[...totalsByFamily].map(([name, totals]) => cells(name, totals)),
    cells('all', sumOf([...totalsByFamily.values()])),
  ]
  process.stdout.write(
    `\nHostile inputs with HEADGATE_FUZZ_SEED=${options.seed}\n${tableOf(rows)}\n`,
  )
  print('During and after the run', [
    // With caches empty at the start, filling them would count as growth.
    ...(options.fillsCaches ? memoryRows(outcome) : []),
    [
      'longest event loop delay',
      `${Math.max(before.longestBusyMs, after.longestBusyMs).toFixed(0)} ms`,
    ],
    [
      'CPU time of the gateway / of the test',
      `${after.cpuSeconds.toFixed(0)} s / ${(process.cpuUsage().user / 1e6).toFixed(0)} s`,
    ],
    [
      'requests of the baseline client / unexpected responses',
      `${baseline.requestCount} / ${baseline.wrong.length}`,
    ],
    ['slowest of them', `${baseline.slowestMs.toFixed(0)} ms`],
    [
      'uploads created / most in a minute / allowed',
      `${created.uploads} / ${created.max} / ${created.allowed}`,
    ],
    ['rejections in the log', messages.get('request rejected') ?? 0],
    [
      'webhooks rejected / applied / stored',
      ['webhook rejected', 'webhook applied', 'webhook stored: no matching upload yet']
        .map((name) => messages.get(name) ?? 0)
        .join(' / '),
    ],
    ['seconds in all', seconds(durationMs)],
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

/** Prints the memory before and after the document cache was filled. */
export function printDocumentCache({ documents, before, after }: DocumentCacheOutcome): void {
  print(`${documents} documents of 250 kB`, [
    ['heap before / after', `${inMegabytes(before.heapUsed)} / ${inMegabytes(after.heapUsed)}`],
    ['resident memory', `${megabytes(before.rss)} / ${megabytes(after.rss)}`],
  ])
}

function cells(name: string, { inputs, classes, p99Ms, slowestMs }: Totals): string[] {
  return [
    name,
    String(inputs),
    ...statusClasses.map((statusClass) => String(classes[statusClass])),
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
