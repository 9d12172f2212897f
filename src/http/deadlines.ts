/** One deadline for whatever takes longer than it may, by one timer for all that is under way. */
import type { Parts } from '../uploads/parts.ts'

export interface Deadlines {
  /** Calls `late` unless what comes back is called before the time is over. */
  begin(late: () => void): () => void
}

interface UnderWay {
  readonly endsAt: number
  readonly late: () => void
}

/** Nobody is late any more once the gateway closes: it has a deadline of its own. */
export function createDeadlines(
  { clock, closing }: Pick<Parts, 'clock' | 'closing'>,
  milliseconds: number,
): Deadlines {
  // In the order of their beginning, and so of their ends.
  const underWay = new Set<UnderWay>()
  let isWatched = false

  async function watch(): Promise<void> {
    isWatched = true
    for (const one of underWay) {
      const left = one.endsAt - clock.now().getTime()
      if (left > 0) await clock.wait(left, closing)
      if (closing.aborted) break
      if (underWay.delete(one)) one.late()
    }
    isWatched = false
  }

  return {
    begin(late) {
      const one = { endsAt: clock.now().getTime() + milliseconds, late }
      underWay.add(one)
      if (!isWatched) void watch()
      return () => {
        underWay.delete(one)
      }
    },
  }
}
