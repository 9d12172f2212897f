/** Runs V8's garbage collection, so that a test can measure retained memory. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { z } from 'zod'

/** Objects that a collection leaves to finalizers are collected by the next one. */
const ROUNDS = 4

/** Returns the reachable bytes of the heap and of buffers. */
export async function reachableBytes(): Promise<number> {
  for (let round = 0; round < ROUNDS; round += 1) {
    // A WeakRef that was read keeps its target until the tick ends.
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
    collectGarbage()
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

export function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  z.function({ input: [], output: z.unknown() }).parse(runInNewContext('gc'))()
  setFlagsFromString('--no-expose-gc')
}
