/** Starts child processes that parse uploaded files. */
import { fork, type ChildProcess } from 'node:child_process'

/**
 * Memory of a child process beyond its heap, in MiB: 80 of Node and its code, at most 128 of MediaInfo, and the bytes
 * that are read from the file.
 */
const MORE_MB = 384

/**
 * Worker threads do not suffice: V8 ends the whole process if one large allocation exceeds the heap limit of a
 * worker.
 * @param module the script of the process; it calls `startLimits` of child-limits.js
 * @param heapMb heap limit of V8's old generation, in MiB
 * @throws the system's error, such as EMFILE, if the process cannot start
 */
export async function startChildProcess(module: URL, heapMb: number): Promise<ChildProcess> {
  const child = fork(module, [String(heapMb + MORE_MB)], {
    execArgv: [`--max-old-space-size=${heapMb}`],
    // Passes only the variable for module resolution, so that the child gets no secrets.
    env: { NODE_OPTIONS: process.env['NODE_OPTIONS'] },
    // No stderr: V8 writes a report there when memory runs out.
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  if (child.pid === undefined) {
    await new Promise((_resolve, reject) => {
      child.once('error', reject)
    })
  }
  return child
}
