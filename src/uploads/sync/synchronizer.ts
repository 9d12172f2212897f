/**
 * Synchronisation: Stream's notices say little and may be lost, so Stream itself is asked. Many
 * uploads with one call, those that somebody watches at every round, the others when their time has
 * come; and what lost answers left behind is cleared away.
 */
import type { NextCheck } from '../ports/upload-store.ts'
import { StreamError } from '../ports/stream-error.ts'
import { type Asked, UPLOADS_A_CALL, askStream } from './poll-stream.ts'
import { SETTLE_AFTER_MS, clearOrphans } from './delete-orphans.ts'
import { createMissingUploads } from './missing-uploads.ts'
import type { Parts } from '../dependencies.ts'
import { MAX_EXPIRY_MS } from '../policy.ts'
import { createOffsetReader } from './tus-offsets.ts'
import { isTerminal } from '../upload.ts'

export type SyncParts = Pick<
  Parts,
  'stream' | 'store' | 'events' | 'clock' | 'log' | 'telemetry' | 'watchers' | 'closing'
>

/** Uploads that one round takes on; the rest stay due. */
const UPLOADS_A_ROUND = 1000
/** Watched uploads of one round: two calls a second stay within the budget for ever. */
const WATCHED_A_ROUND = 2 * UPLOADS_A_CALL
/**
 * How long what one gateway takes on is left alone by the others: longer than Stream has to answer, and
 * short enough for whatever a gateway left behind that ended meanwhile.
 */
const CLAIM_MS = 30_000
/**
 * How long a gateway that is heard of no more counts, with what it watches and with its turn to ask: it
 * says so anew at each round, so that another takes over soon.
 */
const NOTED_MS = 5000
/** How long a sweep may take before another gateway begins one. */
const SWEEP_MS = 60_000
/** What is kept in case it is needed, such as notices of another application, is kept a day. */
const DAY_MS = 86_400_000
/** Pause between two sweeps for orphans whose reservation is gone already. */
const SWEEP_EVERY_MS = 300_000
/** First and longest pause after Stream did not answer. */
const FIRST_PAUSE_MS = 2000
const LONGEST_PAUSE_MS = 60_000

const NOTHING = { deleted: 0, left: 0 } as const

/** What one round did. */
export interface SyncReport {
  readonly asked: number
  readonly changed: number
  /** Videos deleted at Stream because no upload stands for them. */
  readonly orphans: number
}

/** Runs rounds, one at a time, and remembers between them how Stream answered. */
export interface Synchroniser {
  /** One round. Trouble with Stream is logged, and the next round comes later. */
  round(): Promise<SyncReport>
  /** Resolves when what rounds began beside themselves is over. */
  idle(): Promise<void>
}

export function createSynchroniser(parts: SyncParts): Synchroniser {
  const { store, clock, watchers } = parts
  const offsets = createOffsetReader(parts)
  const askParts = { ...parts, missingUploads: createMissingUploads(parts) }
  const asking = createPatience(parts)
  const sweeping = createPatience(parts)
  /** When the next sweep is due, as far as this gateway knows: by `clock.monotonicMs`. */
  let nextSweep = -Infinity
  /** Where the next round goes on among the watched, here and everywhere, so that each has its turn. */
  let nextNoted = 0
  let nextWatched = 0

  /** What is watched at any gateway, where it is this one's turn to ask; null where it is another's. */
  function noteWatched(now: Date): Promise<readonly string[] | null> {
    const mine = inRotation([...watchers.watched(now)], nextNoted, WATCHED_A_ROUND)
    nextNoted = mine.next
    const until = new Date(now.getTime() + NOTED_MS)
    return store.noteWatched(mine.taken, now, until, !asking.isPaused())
  }

  async function sweep(now: Date): Promise<number> {
    const settledBefore = new Date(now.getTime() - SETTLE_AFTER_MS)
    const mayBeTime = clock.monotonicMs() >= nextSweep
    if (!mayBeTime && (await store.unsettled(settledBefore, 1)).length === 0) return 0
    const turn = await store.beginSweep(now, new Date(now.getTime() + SWEEP_MS))
    if (turn === null) return 0
    let swept: Date | null = null
    try {
      const { sweptUntil } = turn
      // A gateway whose clock was ahead may have said how far it came.
      const isTime =
        sweptUntil === null || Math.abs(now.getTime() - sweptUntil.getTime()) >= SWEEP_EVERY_MS
      const open = await store.unsettled(settledBefore, UPLOADS_A_ROUND)
      // At first, as far back as a URL can still be usable; and where a clock was ahead.
      const isKnown = sweptUntil !== null && sweptUntil <= now
      const from = isKnown ? sweptUntil : new Date(now.getTime() - MAX_EXPIRY_MS)
      const since = isTime ? from : null
      const { deleted, left } =
        open.length === 0 && !isTime ? NOTHING : await clearOrphans(parts, open, since)
      if (isTime && left === 0) swept = now
      const last = swept ?? (isTime ? null : sweptUntil)
      const passedMs = last === null ? Infinity : Math.max(0, now.getTime() - last.getTime())
      nextSweep = clock.monotonicMs() + SWEEP_EVERY_MS - passedMs
      return deleted
    } finally {
      await store.endSweep(swept)
    }
  }

  return {
    async round() {
      const now = clock.now()
      const noted = await noteWatched(now)
      const turn = inRotation(noted ?? [], nextWatched, WATCHED_A_ROUND)
      nextWatched = turn.next
      const asked = noted === null ? [] : await uploadsToAsk(parts, now, turn.taken)
      let changed = 0
      for (let start = 0; start < asked.length; start += UPLOADS_A_CALL) {
        const group = asked.slice(start, start + UPLOADS_A_CALL)
        const count = await asking.attempt(() => askStream(askParts, group))
        if (count === null) await store.reschedule(dueAgain(group))
        else changed += count
      }
      const watched = new Set(noted)
      offsets.start(asked.flatMap(({ upload }) => (watched.has(upload.uid) ? [upload] : [])))
      const orphans = (await sweeping.attempt(() => sweep(now))) ?? 0
      const dayBefore = new Date(now.getTime() - DAY_MS)
      await store.dropNoticesBefore(dayBefore)
      await store.dropRetiredBefore(dayBefore)
      await store.tidy(now)
      return { asked: asked.length, changed, orphans }
    },
    idle: () => offsets.idle(),
  }
}

/** Those whose time has come, and those that somebody watches and that may still change soon. */
async function uploadsToAsk(
  { store }: SyncParts,
  now: Date,
  watching: readonly string[],
): Promise<readonly Asked[]> {
  const due = await store.claimDue(now, UPLOADS_A_ROUND, new Date(now.getTime() + CLAIM_MS))
  const isDue = new Set(due.map(({ upload }) => upload.uid))
  const watched = await store.findMany(watching.filter((uid) => !isDue.has(uid)))
  return [
    ...watched
      .filter((upload) => !isTerminal(upload.status))
      .map((upload) => ({ upload, idleChecks: null, dueAt: null, missingChecks: 0 })),
    ...due,
  ]
}

/** The next so many of a list that is gone through again and again. */
function inRotation(
  all: readonly string[],
  from: number,
  count: number,
): { readonly taken: readonly string[]; readonly next: number } {
  if (all.length <= count) return { taken: all, next: 0 }
  const start = from % all.length
  const taken = [...all.slice(start), ...all.slice(0, start)].slice(0, count)
  return { taken, next: start + count }
}

/** What Stream was not asked about is as due as before, for whichever gateway. */
function dueAgain(group: readonly Asked[]): readonly NextCheck[] {
  return group.flatMap(({ upload: { uid, version }, idleChecks, dueAt, missingChecks }) =>
    idleChecks === null ? [] : [{ uid, version, idleChecks, checkAt: dueAt, missingChecks }],
  )
}

/**
 * Does work with Stream that returns a count, unless Stream did not answer lately: then it waits,
 * longer each time, or as long as Stream says. What fails otherwise is logged, and stops no round.
 */
function createPatience({ clock, closing, log }: SyncParts) {
  let failures = 0
  /** By `clock.monotonicMs`. */
  let pausedUntil = -Infinity
  const isPaused = (): boolean => closing.aborted || clock.monotonicMs() < pausedUntil
  return {
    isPaused,
    /** Null where the work was not done, or not to its end. */
    async attempt(work: () => Promise<number>): Promise<number | null> {
      if (isPaused()) return null
      try {
        const count = await work()
        failures = 0
        return count
      } catch (error) {
        const backOff = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures)
        const asked = error instanceof StreamError ? error.retryAfterSeconds : null
        const pauseMs = asked === null ? backOff : asked * 1000
        failures += 1
        pausedUntil = clock.monotonicMs() + pauseMs
        if (error instanceof StreamError) {
          log.warn({ kind: error.kind, pauseMs }, 'Stream was asked in vain')
        } else {
          log.error({ err: error, pauseMs }, 'synchronisation failed, and is tried again')
        }
        return null
      }
    },
  }
}
