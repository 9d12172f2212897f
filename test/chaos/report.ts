/** Prints the results of a run as tables. */
import type { CallbackScenarioOutcome } from './callback-scenario.ts'
import type { ForgedOutcome } from './forged-webhooks.ts'
import type { DetectionDelays } from './lost-webhooks.ts'
import type { OneKeyOutcome } from './one-key.ts'
import type { MaintenanceOutcome } from './shared-maintenance.ts'
import type { FaultScenarioOutcome } from './fault-scenario.ts'

export type Row = readonly [label: string, figure: string | number]

/** Writes to standard output directly, because vitest prefixes console output. */
export function print(title: string, rows: readonly Row[]): void {
  const width = Math.max(...rows.map(([label]) => label.length))
  const lines = rows.map(([label, figure]) => `  ${label.padEnd(width)}  ${figure}`)
  process.stdout.write(`\n${title}\n${lines.join('\n')}\n`)
}

export function printFaultScenario(outcome: FaultScenarioOutcome): void {
  const { options, creatorResults, differences, reservedSeconds, durationsMs, messages, applied } =
    outcome
  const subscribers = creatorResults.flatMap(({ subscriber }) => subscriber ?? [])
  const states = subscribers.flatMap(({ connections }) => connections.flat())
  const faults = [...applied.values()].reduce((sum, times) => sum + times, 0)
  print(`Fault scenario with seed ${options.seed}`, [
    ['planned uploads', options.uploads],
    [
      'created uploads, according to clients',
      creatorResults.filter(({ uids }) => uids.size > 0).length,
    ],
    ...count(creatorResults.map(({ plan }) => `  ${plan.ending}, ${plan.protocol}`)),
    [
      'kills survived',
      `${outcome.kills}, ${outcome.killedDuringCreate} times during a create request`,
    ],
    ['kills of the database survived', options.databaseKills ?? 0],
    ['applied faults', faults],
    ...byName(applied).map(([name, times]): Row => [`  ${name}`, times]),
    [
      'orphans deleted at Stream / log lines about them',
      `${new Set(outcome.orphans).size} / ${outcome.orphans.length}`,
    ],
    ['responses that ask for a retry', ''],
    ...byName(outcome.retryLater).map(([code, times]): Row => [`  ${code}`, times]),
    ['delivered webhooks, by gateway', outcome.webhooks.join(' / ')],
    [
      'webhooks applied / stored for later',
      pair(messages, 'webhook applied', 'webhook stored: no matching upload yet'),
    ],
    ['requests to Stream', ''],
    ...Object.entries(outcome.requests).map(([name, times]): Row => [`  ${name}`, times]),
    [
      'subscriptions opened / states received',
      `${subscribers.flatMap(({ connections }) => connections).length} / ${states.length}`,
    ],
    ['events received by subscribers to all uploads', outcome.eventsReceived],
    ['wrong status', differences.wrongStatus.length],
    ['videos without an upload', differences.unknownVideos.length],
    ['keys with two uploads', differences.duplicateKeys.length],
    [
      'reserved seconds, gateway / Stream',
      `${reservedSeconds.gateway} / ${reservedSeconds.stream}`,
    ],
    ['losses of any kind', outcome.losses.length],
    [
      'seconds to the last fault / to the last creator / to equal states',
      `${seconds(durationsMs.faults)} / ${seconds(durationsMs.creators)} / ${seconds(durationsMs.rest)}`,
    ],
    ...outcome.losses.slice(0, 40).map((loss): Row => ['  LOSS', loss]),
  ])
}

export function printCallbacks({ targets, losses, restMs }: CallbackScenarioOutcome): void {
  print('Callbacks', [
    ...targets.flatMap(({ receipts, responses }, index): Row[] => [
      [
        `target ${index + 1}: different callbacks / received`,
        `${new Set(receipts.map(({ id }) => id)).size} / ${receipts.length}`,
      ],
      ...byName(responses).map(([name, times]): Row => [`  ${name}`, times]),
    ]),
    ['seconds to the last callback', seconds(restMs)],
    ['callbacks missing, too many or out of order', losses.length],
    ...losses.slice(0, 40).map((loss): Row => ['  LOSS', loss]),
  ])
}

function pair(messages: ReadonlyMap<string, number>, a: string, b: string): string {
  return `${messages.get(a) ?? 0} / ${messages.get(b) ?? 0}`
}

function count(names: readonly string[]): Row[] {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return byName(counts)
}

function byName(counts: ReadonlyMap<string, number>): Row[] {
  return [...counts].toSorted(([a], [b]) => a.localeCompare(b))
}

export function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(1)
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`
}

export function printDetectionDelays({ watchedMs, unwatchedMs }: DetectionDelays): void {
  print('Every webhook lost', [
    ['READY after it was ready at Stream, watched', `${seconds(watchedMs)} s at most`],
    ['READY after it was ready at Stream, unwatched', `${seconds(unwatchedMs)} s at most`],
  ])
}

export function printMaintenance({
  orphans,
  deletions,
  rounds,
  lists,
  durationMs,
}: MaintenanceOutcome): void {
  print('Shared maintenance', [
    ['orphans created / remaining', `${orphans.created} / ${orphans.remaining}`],
    ['delete requests to Stream', deletions],
    ['sync rounds of all gateways / list requests to Stream', `${rounds} / ${lists}`],
    ['seconds', seconds(durationMs)],
  ])
}

export function printOneKey(outcome: OneKeyOutcome, callers: number): void {
  const { uids, reservedSeconds, videosAtStream, uploadsAtGateway, creations, kills } = outcome
  print(`${callers} callers with one key, three times`, [
    ...Object.entries(uids).map(([key, received]): Row => [`different uids, ${key}`, received]),
    ['kills', kills],
    ['create requests to Stream', creations],
    ['videos at Stream / uploads at the gateway', `${videosAtStream} / ${uploadsAtGateway}`],
    [
      'reserved seconds, gateway / Stream',
      `${reservedSeconds.gateway} / ${reservedSeconds.stream}`,
    ],
    ['seconds', seconds(outcome.durationMs)],
  ])
}

export function printForged({ responses, wrong, changed, memory }: ForgedOutcome): void {
  print('Forged webhooks', [
    ...byName(responses),
    ['wrong responses', wrong.length],
    ['uploads changed', changed.length],
    [
      'memory before / maximum / after',
      [memory.before, memory.max, memory.after].map(megabytes).join(' / '),
    ],
  ])
}
