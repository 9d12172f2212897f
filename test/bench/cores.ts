/** Which processor each program runs on, so that whoever measures takes no time from whom it measures. */
import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'

/** The one for what is measured, and the one for the load and for Stream. */
export const SERVER_CORE = 0
export const LOAD_CORE = 1

const canPin = availableParallelism() > 1 && spawnSync('taskset', ['--version']).error === undefined

/** Null where programs are pinned; otherwise why the figures are less steady. */
export const whyNotPinned: string | null = canPin
  ? null
  : 'Without two processors and `taskset` (util-linux), servers and load share what there is.'

/** A program and its arguments, to be run on this core; null for whichever is free. */
export function onCore(
  core: number | null,
  program: string,
  given: readonly string[],
): readonly string[] {
  return canPin && core !== null
    ? ['taskset', '--cpu-list', String(core), program, ...given]
    : [program, ...given]
}
