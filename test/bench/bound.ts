/** What kept a measurement from being more, told from who had the processors while it was taken. */
import { availableParallelism } from 'node:os'
import type { Measured } from './load/work.ts'

/** From this share on something has nothing left to give. */
const FULL = 0.9

/** Processors that others may have while nothing is said of it: the system has work of its own. */
const SOME = 0.25

/** What is known of one measurement. */
export interface Spending {
  /** Processors that the machine has. */
  readonly processors: number
  /** How many of them each part kept busy, by its name. */
  readonly parts: ReadonlyMap<string, number>
  /** How many the load generator kept busy. */
  readonly load: number
  /** How many were busy, whoever had them. */
  readonly all: number
}

/** Null where the system does not tell. */
export function spendingOf(
  { partCpu, rate, busy, machineBusy }: Measured,
  processors: number = availableParallelism(),
): Spending | null {
  if (machineBusy === null) return null
  const dependencies = new Map<string, number>()
  for (const [name, micros] of Object.entries(partCpu)) {
    if (micros === null) return null
    dependencies.set(name, (micros * rate) / 1e6)
  }
  return { processors, parts: dependencies, load: busy, all: machineBusy * processors }
}

/**
 * One sentence, by the figures.
 * @param threads the part whose work stands on one thread a process, and how many processes it has
 */
export function tellBound(
  { processors, parts: dependencies, load, all }: Spending,
  threads: { readonly part: string; readonly count: number },
): string {
  const ours = load + [...dependencies.values()].reduce((sum, one) => sum + one, 0)
  const others = Math.max(0, all - ours)
  const shares = [...dependencies, ['load', load] as const, ['others', others] as const]
  const spent = shares.map(([name, share]) => `${name} ${share.toFixed(2)}`).join(', ')
  const had = `${all.toFixed(2)} of ${processors} processors were busy (${spent})`
  if (all >= FULL * processors) {
    const shared = others > SOME ? ', which others had a part of' : ''
    return `${had}: the processors bound it${shared}`
  }
  if (load >= FULL) return `${had}: the load generator bound it`
  const each = (dependencies.get(threads.part) ?? 0) / threads.count
  if (each >= FULL) return `${had}: the one thread of each of the ${threads.part} bound it`
  return `${had}: waiting bound it, for the disk or for one another`
}
