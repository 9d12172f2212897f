/**
 * Incrementally updated storage totals of the account. Each mint reads them, and summing 100,000
 * rows each time would block the process.
 */
import { storageUsedBy, type StorageTotals } from './storage.ts'
import type { Video } from './video.ts'

/** Source of the totals and of changes by time. */
export interface TotalsSource {
  /** Returns the totals at `now`, summed over all rows. */
  sum(now: number): StorageTotals
  /** Videos whose upload URL expires or whose processing ends in `(after, until]`. */
  changedByTime(after: number, until: number): Iterable<Video>
}

export class CachedStorageTotals {
  readonly #source: TotalsSource
  /** The totals at timestamp `at`; null before the first read and after `invalidate`. */
  #cached: { readonly at: number; readonly totals: StorageTotals } | null = null

  constructor(source: TotalsSource) {
    this.#source = source
  }

  /** Returns the totals at `now`. Sums all rows at first, and after the clock was set back. */
  totals(now: number): StorageTotals {
    const cached = this.#cached
    if (cached === null || now < cached.at) {
      return this.#store(now, this.#source.sum(now))
    }
    let { totals } = cached
    if (now === cached.at) return totals
    for (const video of this.#source.changedByTime(cached.at, now)) {
      totals = replaceUsage(totals, storageUsedBy(video, cached.at), storageUsedBy(video, now))
    }
    return this.#store(now, totals)
  }

  /** Applies the change of one video; null when it does not exist before or after. */
  applyChange(before: Video | null, after: Video | null): void {
    if (this.#cached === null) return
    const { at, totals } = this.#cached
    this.#store(at, replaceUsage(totals, usageOf(before, at), usageOf(after, at)))
  }

  /** Discards the totals after a change of many videos; the next read sums all rows. */
  invalidate(): void {
    this.#cached = null
  }

  #store(at: number, totals: StorageTotals): StorageTotals {
    this.#cached = { at, totals }
    return totals
  }
}

const NO_USAGE: StorageTotals = { reservedSeconds: 0, storedSeconds: 0, videoCount: 0 }

function usageOf(video: Video | null, now: number): StorageTotals {
  return video === null ? NO_USAGE : storageUsedBy(video, now)
}

function replaceUsage(
  totals: StorageTotals,
  before: StorageTotals,
  after: StorageTotals,
): StorageTotals {
  return {
    reservedSeconds: totals.reservedSeconds - before.reservedSeconds + after.reservedSeconds,
    storedSeconds: totals.storedSeconds - before.storedSeconds + after.storedSeconds,
    videoCount: totals.videoCount - before.videoCount + after.videoCount,
  }
}
