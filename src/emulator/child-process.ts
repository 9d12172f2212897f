/** Starts child processes that parse uploaded files. */
import { fork, type ChildProcess } from 'node:child_process'
import { constants, getPriority, setPriority } from 'node:os'

import { CreatorLimit } from './creator-limit.ts'

/**
 * Memory of a child process beyond its heap, in MiB: 80 of Node and its code, at most 128 of MediaInfo, and the bytes
 * that are read from the file.
 */
const MORE_MB = 384

/** Below this process, so that requests are served while files are read. */
const FIRST_PRIORITY = constants.priority.PRIORITY_BELOW_NORMAL
/** Below first attempts: a file that takes long leaves the processors to others. */
const SECOND_PRIORITY = constants.priority.PRIORITY_LOW

/** The first attempt at a file has a short timeout; files that exceed it have a second. */
export type Attempt = 'first' | 'second'

/**
 * Processes that work for one creator at the same time, whatever they do: a creator with all kinds of slow files has no
 * more of the processors than others.
 */
export const processesPerCreator = new CreatorLimit(2)

/**
 * Of those, processes that may take minutes, or have the memory for a large file: one, which leaves a place to the
 * creator's other files.
 */
export const largeProcessesPerCreator = new CreatorLimit(1, processesPerCreator)

/**
 * Worker threads do not suffice: V8 ends the whole process if one large allocation exceeds the heap limit of a
 * worker.
 * @param module the script of the process; it calls `startLimits` of child-limits.js
 * @param heapMb heap limit of V8's old generation, in MiB
 * @throws the system's error, such as EMFILE, if the process cannot start
 */
export async function startChildProcess(
  module: URL,
  heapMb: number,
  attempt: Attempt,
): Promise<ChildProcess> {
  const child = fork(module, [String(heapMb + MORE_MB)], {
    execArgv: [`--max-old-space-size=${heapMb}`],
    // Passes only the variable for module resolution, so that the child gets no secrets.
    env: { NODE_OPTIONS: process.env['NODE_OPTIONS'] },
    // No stderr: V8 writes a report there when memory runs out.
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  const { pid } = child
  if (pid === undefined) {
    return new Promise((_resolve, reject) => {
      child.once('error', reject)
    })
  }
  // A larger number is a lower priority, and only administrators may raise one.
  const priority = attempt === 'first' ? FIRST_PRIORITY : SECOND_PRIORITY
  setPriority(pid, Math.max(getPriority(), priority))
  return child
}
