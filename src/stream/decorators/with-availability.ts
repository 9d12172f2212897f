/** Remembers when Stream last answered, so that whoever asks whether we can work gets an answer. */
import type { StreamBackend } from '../../uploads/ports/stream-api.ts'
import { StreamError } from '../../uploads/ports/stream-error.ts'

/** Stream is away once calls have failed for so long: one lost answer is no outage. */
const AWAY_AFTER_MS = 15_000
/** While calls fail, it is asked this often at most, so that its return is seen without traffic. */
const PROBE_EVERY_MS = 5000

/** What is known of Stream, without asking. */
export interface StreamReach {
  /** Null where it has not answered yet. */
  readonly answeredAt: Date | null
  /** When the first of the calls failed that have failed in a row until now; null where none has. */
  readonly failingSince: Date | null
  /** Whether calls have failed for at least 15 seconds, first to last, and none was answered since. */
  readonly isAway: boolean
}

/** Moments to tell, and durations by a clock that is never set back. */
export interface ReachabilityClock {
  now(): Date
  /** Milliseconds. */
  monotonicMs(): number
}

export interface Reachability {
  /** The same backend, whose every call to the API is noted. To be put inside a budget. */
  readonly backend: StreamBackend
  readonly lately: () => StreamReach
  /**
   * Asks Stream for one video of its list, where its last word was none and 5 seconds have passed
   * since the last such question. Never rejects; what comes of it is in `lately`.
   * @param through this backend inside the budget, where it is to be counted
   */
  readonly probe: (through: StreamBackend) => Promise<void>
}

/**
 * An answer is whatever says that the API works and knows us, a refusal and a 429 too. No usable
 * answer is none, and so is one that does not accept our token: nothing can be minted then. What
 * never left, because it was wrong or given up by the caller, tells neither. The upload host is not
 * the API. (Not to be asked for what needs no asking, such as what is no uid: it counts as answered.)
 */
export function withReachability(backend: StreamBackend, clock: ReachabilityClock): Reachability {
  let answeredAt: Date | null = null
  let failing: { readonly since: Date; readonly sinceMs: number; readonly untilMs: number } | null =
    null
  let probedAt = Number.NEGATIVE_INFINITY

  function answered(): void {
    answeredAt = clock.now()
    failing = null
  }

  function failed(): void {
    const at = clock.monotonicMs()
    failing = {
      since: failing?.since ?? clock.now(),
      sinceMs: failing?.sinceMs ?? at,
      untilMs: at,
    }
  }

  async function noted<T>(call: Promise<T>): Promise<T> {
    try {
      const result = await call
      answered()
      return result
    } catch (error) {
      if (error instanceof StreamError) {
        if (error.kind === 'unavailable' || error.kind === 'unauthorized') failed()
        else if (error.status !== null) answered()
      }
      throw error
    }
  }

  return {
    backend: {
      name: backend.name,
      capabilities: backend.capabilities,
      createDirectUpload: (order, signal) => noted(backend.createDirectUpload(order, signal)),
      createTusUpload: (order, signal) => noted(backend.createTusUpload(order, signal)),
      findVideo: (uid, signal) => noted(backend.findVideo(uid, signal)),
      listVideos: (query, signal) => noted(backend.listVideos(query, signal)),
      updateVideo: (uid, change, signal) => noted(backend.updateVideo(uid, change, signal)),
      deleteVideo: (uid, signal) => noted(backend.deleteVideo(uid, signal)),
      storageUsage: (creator, signal) => noted(backend.storageUsage(creator, signal)),
      findWebhook: (signal) => noted(backend.findWebhook(signal)),
      setWebhook: (url, signal) => noted(backend.setWebhook(url, signal)),
      deleteWebhook: (signal) => noted(backend.deleteWebhook(signal)),
      readTusOffset: (uploadURL, signal) => backend.readTusOffset(uploadURL, signal),
    },
    lately() {
      const isAway = failing !== null && failing.untilMs - failing.sinceMs >= AWAY_AFTER_MS
      return { answeredAt, failingSince: failing?.since ?? null, isAway }
    },
    async probe(through) {
      const at = clock.monotonicMs()
      if (failing === null || at - probedAt < PROBE_EVERY_MS) return
      probedAt = at
      try {
        await through.listVideos({ limit: 1 })
      } catch {
        // Noted on its way; where the budget had no room for it, nothing is known that was not.
      }
    },
  }
}
