/** One deadline for whatever takes longer than it may, by one timer for all that is under way. */
import type { Parts } from '../../../uploads/dependencies.ts'
import { NOWHERE, type Placed, createRoll } from '../../../shared/indexed-set.ts'

export interface Deadlines {
  /** Calls `late` unless what comes back is called before the time is over. */
  begin(late: () => void): () => void
}

interface UnderWay extends Placed {
  readonly endsAt: number
  readonly late: () => void
}

/** Nobody is late any more once the gateway closes: it has a deadline of its own. */
export function createDeadlines(
  { clock, closing }: Pick<Parts, 'clock' | 'closing'>,
  milliseconds: number,
): Deadlines {
  const roll = createRoll<UnderWay>()
  let isWatched = false

  /** By far the most are over long before anybody looks. */
  async function watch(): Promise<void> {
    isWatched = true
    while (!closing.aborted) {
      const now = clock.monotonicMs()
      let endsNext = Infinity
      for (const one of roll.all()) {
        if (one.endsAt > now) {
          endsNext = Math.min(endsNext, one.endsAt)
        } else {
          roll.leave(one)
          one.late()
        }
      }
      if (endsNext === Infinity) break
      await clock.wait(endsNext - now, closing)
    }
    isWatched = false
  }

  return {
    begin(late) {
      const one = { endsAt: clock.monotonicMs() + milliseconds, late, place: NOWHERE }
      roll.enter(one)
      if (!isWatched) void watch()
      return () => roll.leave(one)
    },
  }
}
