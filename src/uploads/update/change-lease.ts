/** One change of an upload at Stream at a time, by all gateways: Stream replaces metadata as a whole. */
import { runExclusive } from '../../shared/run-exclusive.ts'
import type { Dependencies } from '../dependencies.ts'
import { StoreUnavailable } from '../ports/store-unavailable.ts'

/** Longer than a change takes: a request to Stream times out after 10 s. */
const LEASE_MS = 30_000

/** Interval and maximum number of attempts to acquire a lease that another gateway holds. */
const RETRY_MS = 100
const MAX_ATTEMPTS = 50

type LeaseDependencies = Pick<Dependencies, 'store' | 'clock' | 'log' | 'updatesInFlight'>

/** Runs the work while no other change of this upload runs. Returns null if another gateway's takes too long. */
export function withChangeLease<T>(
  dependencies: LeaseDependencies,
  uid: string,
  work: () => Promise<T>,
): Promise<T | null> {
  return runExclusive(dependencies.updatesInFlight, uid, async () => {
    const until = await acquire(dependencies, uid)
    if (until === null) return null
    try {
      return await work()
    } finally {
      await release(dependencies, uid, until)
    }
  })
}

async function acquire({ store, clock }: LeaseDependencies, uid: string): Promise<Date | null> {
  for (let attempt = 1; ; attempt += 1) {
    const now = clock.now()
    const until = await store.acquireChangeLease(uid, now, new Date(now.getTime() + LEASE_MS))
    if (until !== null || attempt === MAX_ATTEMPTS) return until
    await clock.wait(RETRY_MS)
  }
}

/** The outcome of the work stands even if the lease cannot be released: it ends by itself. */
async function release({ store, log }: LeaseDependencies, uid: string, until: Date): Promise<void> {
  try {
    await store.releaseChangeLease(uid, until)
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error
    log.warn({ err: error }, 'releasing the lease of a change failed')
  }
}
