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
  readonly problems: readonly string[]
  readonly verdict: 'met' | 'missed' | 'told'
}

export function judge(facts: EntryFacts): Entry {
  const theirs = facts.peer?.rounds ?? []
  // Round by round, so that a machine that slows down slows both down.
  const ratios = facts.ours.flatMap(({ value }, round) => {
    const beside = theirs[round]
    return beside === undefined ? [] : [value / beside.value]
  })
  const ratio = ratios.length === 0 ? null : median(ratios)
  const problems = [
    ...facts.ours.map(({ problem }) => problem && `headgate: ${problem}`),
    ...theirs.map(({ problem }) => problem && `${facts.peer?.name}: ${problem}`),
    ...(facts.problems ?? []),
  ].filter((problem) => problem !== null)
  const figure = facts.isRatio ? ratio : median(valuesOf(facts.ours))
  const isMet = figure !== null && meets(figure, facts.target) && problems.length === 0
  const verdict = !isMet ? 'missed' : facts.target === null ? 'told' : 'met'
  return { ...facts, ratio, problems, verdict }
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
  return { value: measured.rate, cpu: measured.serverCpu, problem: problemOf(measured) }
}

/** Milliseconds within which 99 of 100 were answered. */
export function p99Of(measured: Measured): Round {
  return { value: measured.accepted.p99, cpu: measured.serverCpu, problem: problemOf(measured) }
}

function problemOf({ wrong, firstWrong, accepted, refused }: Measured): string | null {
  if (wrong > 0) return `${wrong} wrong, first ${firstWrong}`
  return accepted.count + refused.count === 0 ? 'nothing was answered' : null
}

/** Above this the generator may be what is measured. */
const TOO_BUSY = 0.9

/** Says how busy the generator was at most. */
export function busyNote(measured: readonly Measured[]): string {
  const busiest = Math.max(0, ...measured.map(({ busy }) => busy))
  const warning = busiest > TOO_BUSY ? ': it may be what was measured' : ''
  return `the generator was busy up to ${Math.round(busiest * 100)} %${warning}`
}
