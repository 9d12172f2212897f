/**
 * The account's storage sums, kept up to date instead of summed up: each upload that is minted asks
 * for them, and reading 100,000 rows each time would hold up everybody else in the process.
 */
import { storageOf, type StorageTotals } from './storage.ts'
import type { Video } from './video.ts'

/** Where the tally looks when it does not know. */
export interface TallySource {
  /** The sums at `now`, from every row. */
  sum(now: number): StorageTotals
  /** The videos whose link lapses or whose processing ends after the one moment, up to the other. */
  passing(after: number, until: number): Iterable<Video>
}

export class StorageTally {
  readonly #source: TallySource
  /** The sums at the moment `at`; null until somebody asks. */
  #known: { readonly at: number; readonly totals: StorageTotals } | null = null

  constructor(source: TallySource) {
    this.#source = source
  }

  /** The sums at `now`; counted anew the first time, and after a clock that was set back. */
  totals(now: number): StorageTotals {
    const known = this.#known
    if (known === null || now < known.at) {
      return this.#keep(now, this.#source.sum(now))
    }
    let { totals } = known
    if (now === known.at) return totals
    for (const video of this.#source.passing(known.at, now)) {
      totals = exchange(totals, storageOf(video, known.at), storageOf(video, now))
    }
    return this.#keep(now, totals)
  }

  /** To be told of each change: what the video was and what it is; null where it is not there. */
  changed(before: Video | null, after: Video | null): void {
    if (this.#known === null) return
    const { at, totals } = this.#known
    this.#keep(at, exchange(totals, addedBy(before, at), addedBy(after, at)))
  }

  /** After a change of many videos at once: to be counted anew. */
  forget(): void {
    this.#known = null
  }

  #keep(at: number, totals: StorageTotals): StorageTotals {
    this.#known = { at, totals }
    return totals
  }
}

const NOTHING: StorageTotals = { reservedSeconds: 0, storedSeconds: 0, videoCount: 0 }

function addedBy(video: Video | null, now: number): StorageTotals {
  return video === null ? NOTHING : storageOf(video, now)
}

function exchange(
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
