/** One line of the table: figures, ratio, and whether the target was met. */
import type { Measured } from './load/work.ts'

/** One measurement of one server. */
export interface Round {
  /** In the unit of the entry. */
  readonly value: number
  /** Microseconds of the server's CPU time per request; null when unknown. */
  readonly cpu: number | null
  /** What was wrong with the responses; null when all were right. */
  readonly problem: string | null
  /** Utilization of the load generator, from 0 to 1; omitted where it is negligible. */
  readonly busy?: number
}

/** `by`: the target is of the ratio of processor times, which other load on the machine changes less. */
export type Target =
  | { readonly atLeast: number; readonly by?: 'processor time' }
  | { readonly atMost: number }

export interface EntryFacts {
  readonly row: string
  readonly unit: string
  readonly rounds: readonly Round[]
  /** The server compared with; null when the target is an absolute figure. */
  readonly peer: { readonly name: string; readonly rounds: readonly Round[] } | null
  /** Target of the ratio when `isRatio`, otherwise of the gateway's median; null when only reported. */
  readonly target: Target | null
  readonly isRatio: boolean
  /** Problems besides wrong responses. An entry with a problem misses its target. */
  readonly problems?: readonly string[]
  /** Remarks below the table. */
  readonly notes?: readonly string[]
}

export interface Entry extends EntryFacts {
  /** The gateway's figure divided by the peer's: median of the rounds; null without a peer. */
  readonly ratio: number | null
  /** The peer's CPU time divided by the gateway's, less affected by other load; null when unknown. */
  readonly cpuRatio: number | null
  /** Maximum utilization of the load generator; null when unknown. */
  readonly busiest: number | null
  readonly problems: readonly string[]
  readonly verdict: 'met' | 'missed' | 'reported'
}

/** Above this utilization, the load generator may be the bottleneck. */
const TOO_BUSY = 0.9

export function createEntry(facts: EntryFacts): Entry {
  const { rounds, peer, target, isRatio } = facts
  const peerRounds = peer?.rounds ?? []
  // Per round, because a temporary slowdown of the machine affects both servers of a round.
  const ratios = rounds.flatMap(({ value }, round) => {
    const peerRound = peerRounds[round]
    return peerRound === undefined ? [] : [value / peerRound.value]
  })
  const ratio = ratios.length === 0 ? null : median(ratios)
  const cpuRatio = divide(medianCpu(peerRounds), medianCpu(rounds))
  const isByCpu = target !== null && 'by' in target
  const figure = isByCpu ? cpuRatio : isRatio ? ratio : median(valuesOf(rounds))
  const busy = [...rounds, ...peerRounds].flatMap((round) => round.busy ?? [])
  const busiest = busy.length === 0 ? null : Math.max(...busy)
  const problems = [
    ...rounds.flatMap(({ problem }) => (problem === null ? [] : [`headgate: ${problem}`])),
    ...peerRounds.flatMap(({ problem }) => (problem === null ? [] : [`${peer?.name}: ${problem}`])),
    ...(facts.problems ?? []),
    ...(busiest !== null && busiest > TOO_BUSY ? ['the load generator was saturated'] : []),
  ]
  const isMet = figure !== null && meets(figure, target) && problems.length === 0
  return {
    ...facts,
    ratio,
    cpuRatio,
    busiest,
    problems: [...new Set(problems)],
    verdict: !isMet ? 'missed' : target === null ? 'reported' : 'met',
  }
}

function divide(dividend: number | null, divisor: number | null): number | null {
  return dividend === null || divisor === null ? null : dividend / divisor
}

function meets(figure: number, target: Target | null): boolean {
  if (target === null) return true
  return 'atLeast' in target ? figure >= target.atLeast : figure <= target.atMost
}

/** NaN for an empty list, which meets no target. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const [upper = NaN, lower = NaN] = [sorted[middle], sorted[middle - 1]]
  return sorted.length % 2 === 1 ? upper : (upper + lower) / 2
}

export function valuesOf(rounds: readonly Round[]): readonly number[] {
  return rounds.map(({ value }) => value)
}

/** Median of the known CPU times; null when none is known. */
export function medianCpu(rounds: readonly Round[]): number | null {
  const known = rounds.map(({ cpu }) => cpu).filter((cpu) => cpu !== null)
  return known.length === 0 ? null : median(known)
}

/** Right responses per second. */
export function rateOf(measured: Measured): Round {
  return roundOf(measured, measured.rate)
}

/** 99th percentile of the response times in milliseconds. */
export function p99Of(measured: Measured): Round {
  return roundOf(measured, measured.accepted.p99)
}

/** A round with `value` as its figure. */
export function roundOf(measured: Measured, value: number): Round {
  const { serverCpu, busy, wrong, firstWrong, accepted } = measured
  const isEmpty = accepted.count === 0
  const problem =
    wrong > 0 ? `${wrong} wrong, first ${firstWrong}` : isEmpty ? 'no request was accepted' : null
  return { value, cpu: serverCpu, problem, busy }
}
