/** Shares the event loop and the memory of the process between operations that read several pages. */
import type { PageTurns } from '../uploads/ports/page-turns.ts'
import type { Scheduling } from './server/accept-priority.ts'
import { createTurns } from './server/turns.ts'

/** Operations with several pages at the same time. Each holds up to 40 MB. */
const MAX_OPERATIONS = 8
const MAX_OPERATIONS_PER_CALLER = 2

export function createPageTurns(scheduling: Scheduling): PageTurns {
  const { next } = createTurns(scheduling)
  const all = createSemaphore(MAX_OPERATIONS)
  const byCaller = new Map<string, Semaphore>()

  return {
    async enter(caller) {
      const own = byCaller.get(caller) ?? createSemaphore(MAX_OPERATIONS_PER_CALLER)
      byCaller.set(caller, own)
      await own.acquire()
      // After the caller's own, so that a caller takes few of these places while others wait.
      await all.acquire()
      return () => {
        all.release()
        own.release()
        if (own.isFree()) byCaller.delete(caller)
      }
    },
    next,
  }
}

interface Semaphore {
  /** Resolves in the order of the calls. */
  acquire(): Promise<void>
  release(): void
  /** Whether nobody holds or waits for a place. */
  isFree(): boolean
}

function createSemaphore(places: number): Semaphore {
  let free = places
  const waiting: (() => void)[] = []
  return {
    async acquire() {
      if (free > 0) free -= 1
      else await new Promise<void>((resolve) => void waiting.push(resolve))
    },
    release() {
      const next = waiting.shift()
      if (next === undefined) free += 1
      else next()
    },
    isFree: () => free === places,
  }
}
