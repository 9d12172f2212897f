/** Determines what limited a measured rate, from the CPU time of all processes. */
import { availableParallelism } from 'node:os'
import type { Measured } from './load/work.ts'

/** From this utilization on, a processor or thread counts as saturated. */
const SATURATED = 0.9

/** Processors that other processes may use without a remark: the system has some background work. */
const BACKGROUND = 0.25

/** CPU usage during one measurement. */
export interface CpuUsage {
  /** Processors that the machine has. */
  readonly processors: number
  /** Number of processors that each group of processes used, by the name of the group. */
  readonly processGroups: ReadonlyMap<string, number>
  /** Number of processors that the load generator used. */
  readonly load: number
  /** Number of processors that were busy with any process. */
  readonly all: number
}

/** Null when the system reports no CPU times. */
export function cpuUsageOf(
  { processCpu, rate, busy, machineBusy }: Measured,
  processors: number = availableParallelism(),
): CpuUsage | null {
  if (machineBusy === null) return null
  const processGroups = new Map<string, number>()
  for (const [name, micros] of Object.entries(processCpu)) {
    if (micros === null) return null
    processGroups.set(name, (micros * rate) / 1e6)
  }
  return { processors, processGroups, load: busy, all: machineBusy * processors }
}

/**
 * One sentence with the figures and the bottleneck.
 * @param threads the group whose processes each work on one thread, and its number of processes
 */
export function describeBottleneck(
  { processors, processGroups, load, all }: CpuUsage,
  threads: { readonly group: string; readonly count: number },
): string {
  const measured = load + [...processGroups.values()].reduce((sum, value) => sum + value, 0)
  const others = Math.max(0, all - measured)
  const usages = [...processGroups, ['load', load] as const, ['others', others] as const]
  const details = usages.map(([name, used]) => `${name} ${used.toFixed(2)}`).join(', ')
  const figures = `${all.toFixed(2)} of ${processors} processors were busy (${details})`
  if (all >= SATURATED * processors) {
    const shared = others > BACKGROUND ? ', of which other processes used a part' : ''
    return `${figures}: limited by the processors${shared}`
  }
  if (load >= SATURATED) return `${figures}: limited by the load generator`
  const each = (processGroups.get(threads.group) ?? 0) / threads.count
  if (each >= SATURATED)
    return `${figures}: limited by the one thread of each of the ${threads.group}`
  return `${figures}: limited by waiting for the disk or for another process`
}
