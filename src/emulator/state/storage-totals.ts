/**
 * Incrementally updated storage totals of the account. Each mint reads them, and summing 100,000
 * rows each time would block the process.
 */
import { NO_STORAGE, storageUsedBy, type StorageTotals } from './storage.ts'
import type { Video } from './video.ts'

/** Source of the totals and of changes by time. */
export interface TotalsSource {
  /** Returns the totals at `now`, summed over all rows. */
  sum(now: number): StorageTotals
  /**
   * Returns the change of the totals when upload URLs expire or processing ends in `(after, until]`. Thousands may
   * expire in the same millisecond, so that it reads no row into JavaScript.
   */
  passedTime(after: number, until: number): StorageTotals
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
    if (now === cached.at) return cached.totals
    const change = this.#source.passedTime(cached.at, now)
    return this.#store(now, replaceUsage(cached.totals, NO_STORAGE, change))
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

function usageOf(video: Video | null, now: number): StorageTotals {
  return video === null ? NO_STORAGE : storageUsedBy(video, now)
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
