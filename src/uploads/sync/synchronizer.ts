/**
 * Synchronization: polls Stream, because webhooks report few states and may be lost. A request covers many
 * uploads: watched ones in every sync run, the others when they are due. Also deletes orphans.
 */
import { UPLOADS_PER_CALL, pollStream } from './poll-stream.ts'
import { RESOLVE_AFTER_MS, deleteOrphans } from './delete-orphans.ts'
import { type PolledUpload, createMissingUploads } from './missing-uploads.ts'
import type { Dependencies } from '../dependencies.ts'
import { MAX_EXPIRY_MS } from '../limits.ts'
import { createTusOffsetPoller } from './tus-offsets.ts'
import { isTerminal } from '../upload.ts'
import type { SyncReport } from '../ports/telemetry.ts'
import { createBackoff } from './backoff.ts'

export type SyncDependencies = Pick<
  Dependencies,
  | 'stream'
  | 'store'
  | 'callbacks'
  | 'pubsub'
  | 'clock'
  | 'log'
  | 'telemetry'
  | 'watchRegistry'
  | 'closing'
>

/** Maximum number of due uploads per sync run; the rest stays due. */
const UPLOADS_PER_RUN = 1000

/** Maximum number of watched uploads per sync run: two requests per second stay within the API budget. */
const WATCHED_PER_RUN = 2 * UPLOADS_PER_CALL

/** Maximum number of unwatched tus uploads per sync run whose offset is read, after those of watched ones. */
const UNWATCHED_OFFSETS_PER_ROUND = 100

/**
 * Duration of the watch and poll leases, in milliseconds. Each request for a group of uploads renews them, so
 * another gateway takes over soon after a crash.
 */
const LEASE_MS = 5000

/** Duration of the sweep lease, in milliseconds. */
const SWEEP_LEASE_MS = 60_000

/** Retention of unmatched webhooks, such as those of other applications, and of retired references. */
const DAY_MS = 86_400_000

/** Interval between two full sweeps for orphans of retired reservations, in milliseconds. */
const SWEEP_INTERVAL_MS = 300_000
const NOTHING_DELETED = { deleted: 0, failed: 0 } as const

/** Performs sync runs, one at a time, and keeps the backoff state between them. */
export interface Synchronizer {
  /** Performs one sync run. Failed polls and sweeps are logged and start a backoff; other errors are thrown. */
  run(): Promise<SyncReport>
  /** Resolves when the background work of all sync runs has ended. */
  idle(): Promise<void>
}

export function createSynchronizer(dependencies: SyncDependencies): Synchronizer {
  const { store, clock, watchRegistry } = dependencies
  const offsets = createTusOffsetPoller(dependencies)
  const pollDependencies = { ...dependencies, missingUploads: createMissingUploads(dependencies) }
  const pollBackoff = createBackoff(dependencies)
  const sweepBackoff = createBackoff(dependencies)
  /** Earliest next sweep, on the scale of `clock.monotonicMs`. */
  let nextSweep = -Infinity
  /** Round-robin positions in this gateway's watched uploads and in those of all gateways. */
  let nextLocal = 0
  let nextWatched = 0

  /** Returns the watched uids of all gateways if this gateway holds the poll lease, else null. */
  function renewWatched(now: Date): Promise<readonly string[] | null> {
    const local = rotate([...watchRegistry.watchedUids(now)], nextLocal, WATCHED_PER_RUN)
    nextLocal = local.next
    const until = new Date(now.getTime() + LEASE_MS)
    return store.renewWatchLeases(local.uids, now, until, !pollBackoff.isPaused())
  }

  async function sweep(now: Date): Promise<number> {
    const resolveBefore = new Date(now.getTime() - RESOLVE_AFTER_MS)
    const mayBeDue = clock.monotonicMs() >= nextSweep
    if (!mayBeDue && (await store.pendingReservations(resolveBefore, 1)).length === 0) return 0
    const lease = await store.acquireSweepLease(now, new Date(now.getTime() + SWEEP_LEASE_MS))
    if (lease === null) return 0
    let sweptNow: Date | null = null
    try {
      const { sweptUntil } = lease
      // Absolute difference: another gateway's clock may have been ahead.
      const isDue =
        sweptUntil === null || Math.abs(now.getTime() - sweptUntil.getTime()) >= SWEEP_INTERVAL_MS
      const open = await store.pendingReservations(resolveBefore, UPLOADS_PER_RUN)
      // The first sweep, or one after a clock that was ahead, goes back as far as a URL can be usable.
      const isKnown = sweptUntil !== null && sweptUntil <= now
      const from = isKnown ? sweptUntil : new Date(now.getTime() - MAX_EXPIRY_MS)
      const since = isDue ? from : null
      const { deleted, failed } =
        open.length === 0 && !isDue
          ? NOTHING_DELETED
          : await deleteOrphans(dependencies, open, since)
      if (isDue && failed === 0) sweptNow = now
      const last = sweptNow ?? (isDue ? null : sweptUntil)
      const elapsedMs = last === null ? Infinity : Math.max(0, now.getTime() - last.getTime())
      nextSweep = clock.monotonicMs() + SWEEP_INTERVAL_MS - elapsedMs
      return deleted
    } finally {
      await store.releaseSweepLease(sweptNow)
    }
  }

  return {
    async run() {
      const now = clock.now()
      const leased = await renewWatched(now)
      const batch = rotate(leased ?? [], nextWatched, WATCHED_PER_RUN)
      nextWatched = batch.next
      const polled = leased === null ? [] : await uploadsToPoll(dependencies, now, batch.uids)
      let changed = 0
      for (let start = 0; start < polled.length; start += UPLOADS_PER_CALL) {
        // Without the lease, or after a failure, the remaining uploads stay due.
        if (start > 0 && (await renewWatched(clock.now())) === null) break
        const group = polled.slice(start, start + UPLOADS_PER_CALL)
        const count = await pollBackoff.attempt(() => pollStream(pollDependencies, group))
        if (count === null) break
        changed += count
      }
      const watched = new Set(leased)
      const open = polled.map(({ upload }) => upload).filter(({ protocol }) => protocol === 'TUS')
      offsets.start([
        ...open.filter(({ uid }) => watched.has(uid)),
        ...open.filter(({ uid }) => !watched.has(uid)).slice(0, UNWATCHED_OFFSETS_PER_ROUND),
      ])
      const orphansDeleted = (await sweepBackoff.attempt(() => sweep(now))) ?? 0
      const dayBefore = new Date(now.getTime() - DAY_MS)
      await store.deleteUnmatchedWebhooksBefore(dayBefore)
      await store.deleteRetiredBefore(dayBefore)
      await store.runMaintenance(now)
      return { polled: polled.length, changed, orphansDeleted }
    },
    idle: () => offsets.idle(),
  }
}

/** Returns the watched uploads that are not terminal, and due ones. */
async function uploadsToPoll(
  { store }: SyncDependencies,
  now: Date,
  watchedUids: readonly string[],
): Promise<readonly PolledUpload[]> {
  const due = await store.findDue(now, UPLOADS_PER_RUN)
  const isDue = new Set(due.map(({ upload }) => upload.uid))
  const watched = await store.findMany(watchedUids.filter((uid) => !isDue.has(uid)))
  return [
    ...watched
      .filter((upload) => !isTerminal(upload.status))
      .map((upload) => ({ upload, idlePolls: null, missingPolls: 0 })),
    ...due,
  ]
}

/** Takes the next `count` entries, round-robin. */
function rotate(
  all: readonly string[],
  from: number,
  count: number,
): { readonly uids: readonly string[]; readonly next: number } {
  if (all.length <= count) return { uids: all, next: 0 }
  const start = from % all.length
  const uids = [...all.slice(start), ...all.slice(0, start)].slice(0, count)
  return { uids, next: start + count }
}
