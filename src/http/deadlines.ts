/** One deadline for whatever takes longer than it may, by one timer for all that is under way. */
import type { Parts } from '../uploads/parts.ts'

export interface Deadlines {
  /** Calls `late` unless what comes back is called before the time is over. */
  begin(late: () => void): () => void
}

interface UnderWay {
  readonly endsAt: number
  /** Null once it is over. */
  late: (() => void) | null
}

/** So few are left standing when they are over. */
const FEW = 64

/** Nobody is late any more once the gateway closes: it has a deadline of its own. */
export function createDeadlines(
  { clock, closing }: Pick<Parts, 'clock' | 'closing'>,
  milliseconds: number,
): Deadlines {
  // In the order of their beginning, and so of their ends. No Set: one that is changed all the time
  // keeps what it held before from the young generation's collector, table by table.
  let all: UnderWay[] = []
  let left = 0
  let isWatched = false

  function end(one: UnderWay): (() => void) | null {
    const { late } = one
    if (late === null) return null
    one.late = null
    left -= 1
    if (all.length > FEW && left < all.length / 2) all = all.filter((other) => other.late !== null)
    return late
  }

  async function watch(): Promise<void> {
    isWatched = true
    for (;;) {
      const next = all.find(({ late }) => late !== null)
      if (next === undefined) break
      const leftMs = next.endsAt - clock.now().getTime()
      if (leftMs > 0) await clock.wait(leftMs, closing)
      if (closing.aborted) break
      end(next)?.()
    }
    isWatched = false
  }

  return {
    begin(late) {
      const one: UnderWay = { endsAt: clock.now().getTime() + milliseconds, late }
      all.push(one)
      left += 1
      if (!isWatched) void watch()
      return () => void end(one)
    },
  }
}
