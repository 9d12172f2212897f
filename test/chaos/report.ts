/** Prints what a run found, as a table that can be quoted. */
import type { ForgedOutcome } from './forged-webhooks.ts'
import type { Lateness } from './lost-webhooks.ts'
import type { OneKeyOutcome } from './one-key.ts'
import type { Upkeep } from './shared-maintenance.ts'
import type { StormOutcome } from './fault-scenario.ts'

export type Row = readonly [what: string, figure: string | number]

/** Straight to the terminal: the figures are the point of the run. */
export function print(title: string, rows: readonly Row[]): void {
  const width = Math.max(...rows.map(([what]) => what.length))
  const lines = rows.map(([what, figure]) => `  ${what.padEnd(width)}  ${figure}`)
  process.stdout.write(`\n${title}\n${lines.join('\n')}\n`)
}

export function printStorm(outcome: StormOutcome): void {
  const { options, travelled, differences, reservedSeconds, took, messages, struck } = outcome
  const subscribers = travelled.flatMap(({ subscriber }) => subscriber ?? [])
  const states = subscribers.flatMap(({ connections }) => connections.flat())
  const faults = [...struck.values()].reduce((sum, times) => sum + times, 0)
  print(`Storm with seed ${options.seed}`, [
    ['uploads asked for', options.uploads],
    ['uploads minted, as clients saw it', travelled.filter(({ uids }) => uids.size > 0).length],
    ...count(travelled.map(({ journey: item }) => `  ${item.ending}, ${item.protocol}`)),
    [
      'kills survived',
      `${outcome.kills}, a creation was under way at ${outcome.aimedKills} moments`,
    ],
    ['kills of the database survived', options.databaseKills ?? 0],
    ['faults that struck', faults],
    ...byName(struck).map(([name, times]): Row => [`  ${name}`, times]),
    [
      'orphans deleted at Stream / told of',
      `${new Set(outcome.orphans).size} / ${outcome.orphans.length}`,
    ],
    ['callers asked to come again later', ''],
    ...byName(outcome.putOff).map(([code, times]): Row => [`  ${code}`, times]),
    ['notices answered, by gateway', outcome.notices.join(' / ')],
    [
      'notices applied / kept for later',
      pair(messages, 'webhook applied', 'webhook stored: no matching upload yet'),
    ],
    ["requests at Stream's", ''],
    ...Object.entries(outcome.requests).map(([name, times]): Row => [`  ${name}`, times]),
    [
      'subscriptions opened / states shown',
      `${subscribers.flatMap(({ connections }) => connections).length} / ${states.length}`,
    ],
    ['changes shown to those who watch all', outcome.changesShown],
    ['wrong status', differences.wrongStatus.length],
    ['videos the gateway does not know', differences.unknownVideos.length],
    ['keys with two uploads', differences.twiceForOneKey.length],
    [
      'reserved seconds, gateway / Stream',
      `${reservedSeconds.gateway} / ${reservedSeconds.stream}`,
    ],
    ['losses of any kind', outcome.losses.length],
    [
      'seconds of storm / to the last creator / to rest',
      `${seconds(took.storm)} / ${seconds(took.creators)} / ${seconds(took.rest)}`,
    ],
    ...outcome.losses.slice(0, 40).map((loss): Row => ['  LOSS', loss]),
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

export function printLateness({ watchedMs, unwatchedMs }: Lateness): void {
  print('Every notice lost', [
    ['READY after it was ready at Stream, watched', `${seconds(watchedMs)} s at most`],
    ['READY after it was ready at Stream, unwatched', `${seconds(unwatchedMs)} s at most`],
  ])
}

export function printUpkeep({ orphans, deletions, rounds, lists, tookMs }: Upkeep): void {
  print('What gateways do once between them', [
    ['orphans made / left', `${orphans.made} / ${orphans.left}`],
    ['deletions that Stream was asked for', deletions],
    ['rounds of all gateways / lists that Stream was asked for', `${rounds} / ${lists}`],
    ['seconds', seconds(tookMs)],
  ])
}

export function printOneKey(outcome: OneKeyOutcome, callers: number): void {
  const { uids, reservedSeconds, videosAtStream, uploadsAtGateway, creations, kills } = outcome
  print(`${callers} callers with one key, three times`, [
    ...Object.entries(uids).map(([key, given]): Row => [`uids given, ${key}`, given]),
    ['kills', kills],
    ['creations that Stream was asked for', creations],
    ['videos at Stream / uploads at the gateway', `${videosAtStream} / ${uploadsAtGateway}`],
    [
      'reserved seconds, gateway / Stream',
      `${reservedSeconds.gateway} / ${reservedSeconds.stream}`,
    ],
    ['seconds', seconds(outcome.tookMs)],
  ])
}

export function printForged({ answers, wrong, changed, memory }: ForgedOutcome): void {
  print('Notices that Stream never sent', [
    ...byName(answers),
    ['wrong answers', wrong.length],
    ['uploads changed', changed.length],
    [
      'memory before / most / after',
      [memory.before, memory.most, memory.after].map(megabytes).join(' / '),
    ],
  ])
}
