/** Shares the event loop and the memory of the process between operations that read pages of uploads. */
import type { PageTurns, PagesPlace } from '../uploads/ports/page-turns.ts'
import type { Scheduling } from './server/accept-priority.ts'
import { createTurns } from './server/turns.ts'

/** Maximum uploads that a small operation reads: it holds up to 4 MB. A large one holds up to 40 MB. */
const MAX_SMALL_ENTRIES = 100

const MAX_SMALL_OPERATIONS = 4
const MAX_SMALL_OPERATIONS_PER_CALLER = 2
const MAX_LARGE_OPERATIONS = 2
const MAX_LARGE_OPERATIONS_PER_CALLER = 1

export function createPageTurns(scheduling: Scheduling): PageTurns {
  const { next } = createTurns(scheduling)
  const small = createPlaces(MAX_SMALL_OPERATIONS, MAX_SMALL_OPERATIONS_PER_CALLER)
  const large = createPlaces(MAX_LARGE_OPERATIONS, MAX_LARGE_OPERATIONS_PER_CALLER)
  return {
    enter: (caller, entries) => (entries > MAX_SMALL_ENTRIES ? large : small)(caller),
    next,
  }
}

/** @returns `enter` of operations of one size */
function createPlaces(places: number, perCaller: number): (caller: string) => Promise<PagesPlace> {
  const reading = createSemaphore(places)
  const byCaller = new Map<string, Semaphore>()
  return async (caller) => {
    const own = byCaller.get(caller) ?? createSemaphore(perCaller)
    byCaller.set(caller, own)
    await own.acquire()
    // After the caller's own, so that a caller takes few of these places while others wait.
    await reading.acquire()
    let isReading = true
    function endReading(): void {
      if (isReading) reading.release()
      isReading = false
    }
    return {
      endReading,
      end() {
        endReading()
        own.release()
        if (own.isFree()) byCaller.delete(caller)
      },
    }
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
