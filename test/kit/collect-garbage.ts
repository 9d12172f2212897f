/** Makes V8 collect garbage, so that a test can see what is still held. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { z } from 'zod'

/** What a collection leaves to finalizers is collected by the next. */
const ROUNDS = 4

/** Bytes of the heap and of buffers that are reachable. */
export async function reachableBytes(): Promise<number> {
  for (let round = 0; round < ROUNDS; round += 1) {
    // A WeakRef that was read keeps its target until the tick is over.
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
