/** What one line of the table says, and whether the target was met. */
import type { Measured } from './load/work.ts'

/** One measurement of one server. */
export interface Round {
  /** In the unit of the entry. */
  readonly value: number
  /** Microseconds of the server's processor time for one request; null where not told. */
  readonly cpu: number | null
  /** What was wrong with its answers; null where nothing was. */
  readonly problem: string | null
  /** How busy the load generator was, from 0 to 1; left out where it had next to nothing to do. */
  readonly busy?: number
}

export type Target = { readonly atLeast: number } | { readonly atMost: number }

export interface EntryFacts {
  readonly row: string
  readonly unit: string
  readonly ours: readonly Round[]
  /** Who was measured beside us; null where the target is a figure of its own. */
  readonly peer: { readonly name: string; readonly rounds: readonly Round[] } | null
  /** For the ratio where it `isRatio`, else for our own median; null where it is only told. */
  readonly target: Target | null
  readonly isRatio: boolean
  /** What was wrong besides the answers; a target with a problem is not met. */
  readonly problems?: readonly string[]
  /** What else a reader should know. */
  readonly notes?: readonly string[]
}

export interface Entry extends EntryFacts {
  /** Our figure over the peer's: the median of the rounds' own; null without a peer. */
  readonly ratio: number | null
  /** The peer's processor time over ours, which a busy machine changes less; null where not told. */
  readonly cpuRatio: number | null
  /** How busy the load generator was at most; null where not told. */
  readonly busiest: number | null
  readonly problems: readonly string[]
  readonly verdict: 'met' | 'missed' | 'told'
}

/** Above this the load generator may be what was measured. */
const TOO_BUSY = 0.9

export function judge(facts: EntryFacts): Entry {
  const { ours, peer, target, isRatio } = facts
  const theirs = peer?.rounds ?? []
  // Round by round, so that a machine that slows down slows both down.
  const ratios = ours.flatMap(({ value }, round) => {
    const beside = theirs[round]
    return beside === undefined ? [] : [value / beside.value]
  })
  const ratio = ratios.length === 0 ? null : median(ratios)
  const figure = isRatio ? ratio : median(valuesOf(ours))
  const busy = [...ours, ...theirs].flatMap((round) => round.busy ?? [])
  const busiest = busy.length === 0 ? null : Math.max(...busy)
  const problems = [
    ...ours.flatMap(({ problem }) => (problem === null ? [] : [`headgate: ${problem}`])),
    ...theirs.flatMap(({ problem }) => (problem === null ? [] : [`${peer?.name}: ${problem}`])),
    ...(facts.problems ?? []),
    ...(busiest !== null && busiest > TOO_BUSY ? ['the load generator had no time left'] : []),
  ]
  const isMet = figure !== null && meets(figure, target) && problems.length === 0
  return {
    ...facts,
    ratio,
    cpuRatio: overOurs(medianCpu(theirs), medianCpu(ours)),
    busiest,
    problems: [...new Set(problems)],
    verdict: !isMet ? 'missed' : target === null ? 'told' : 'met',
  }
}

function overOurs(theirs: number | null, ours: number | null): number | null {
  return theirs === null || ours === null ? null : theirs / ours
}

function meets(figure: number, target: Target | null): boolean {
  if (target === null) return true
  return 'atLeast' in target ? figure >= target.atLeast : figure <= target.atMost
}

/** NaN of nothing, which meets no target. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const [upper = NaN, lower = NaN] = [sorted[middle], sorted[middle - 1]]
  return sorted.length % 2 === 1 ? upper : (upper + lower) / 2
}

export function valuesOf(rounds: readonly Round[]): readonly number[] {
  return rounds.map(({ value }) => value)
}

/** The median of what is known; null where nothing is. */
export function medianCpu(rounds: readonly Round[]): number | null {
  const known = rounds.map(({ cpu }) => cpu).filter((cpu) => cpu !== null)
  return known.length === 0 ? null : median(known)
}

/** Answers a second. */
export function rateOf(measured: Measured): Round {
  return roundOf(measured, measured.rate)
}

/** Milliseconds within which 99 of 100 were answered. */
export function p99Of(measured: Measured): Round {
  return roundOf(measured, measured.accepted.p99)
}

/** What was measured, with the figure that counts here. */
export function roundOf(measured: Measured, value: number): Round {
  const { serverCpu, busy, wrong, firstWrong, accepted } = measured
  const isEmpty = accepted.count === 0
  const problem =
    wrong > 0 ? `${wrong} wrong, first ${firstWrong}` : isEmpty ? 'nobody was served' : null
  return { value, cpu: serverCpu, problem, busy }
}
