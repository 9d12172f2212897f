/** Pins programs to cores, so that the load generator takes no CPU time from the measured server. */
import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'

/** Core of the measured server, and core of the load generator and the Stream stub. */
export const SERVER_CORE = 0
export const LOAD_CORE = 1

const canPin = availableParallelism() > 1 && spawnSync('taskset', ['--version']).error === undefined

/** Null when programs are pinned; otherwise a message about the consequence. */
export const notPinnedMessage: string | null = canPin
  ? null
  : 'Without two processors and `taskset` (util-linux), servers and load generator share processors.'

/** Command line that runs the program on this core; null for any core. */
export function onCore(
  core: number | null,
  program: string,
  args: readonly string[],
): readonly string[] {
  return canPin && core !== null
    ? ['taskset', '--cpu-list', String(core), program, ...args]
    : [program, ...args]
}
