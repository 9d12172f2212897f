/** The parts of a gateway on Workers, which the Worker and its hub make each for itself. */
import type { Allowances } from '../uploads/ports/rate-limiter.ts'
import { realClock } from '../shared/clock.ts'
import type { UploadEvents } from '../uploads/ports/upload-pubsub.ts'
import { createD1Store } from '../store/d1/d1-store.ts'
import type { UploadStore } from '../uploads/ports/upload-store.ts'
import { createApiBudget } from '../stream/decorators/api-budget.ts'
import { withBudget } from '../stream/decorators/with-budget.ts'
import { type Reachability, withReachability } from '../stream/decorators/with-availability.ts'
import { readVideo } from '../stream/read-video.ts'
import { silentTelemetry } from '../telemetry/noop-telemetry.ts'
import { timeOrderedId } from '../shared/uuid-v7.ts'
import type { Log, Parts } from '../uploads/dependencies.ts'
import { createRateLimit } from '../uploads/caller-rate-limit.ts'
import type { Watchers } from '../uploads/watch/watch-registry.ts'
import type { WorkerConfig } from './config.ts'
import { ForgetfulMap } from './forgetful-map.ts'
import { NeverAborts } from './never-aborts.ts'
import { createStream } from './stream-api.ts'

/** What differs between a request and the hub. */
export interface Surroundings {
  readonly events: UploadEvents
  readonly allowances: Allowances
  readonly watchers: Watchers
  readonly log: Log
}

export interface OpenedParts {
  readonly parts: Parts
  readonly reach: Reachability
}

/** Rejects where the database cannot be reached, or lacks what migrations make. */
export async function openParts(
  config: WorkerConfig,
  { events, allowances, watchers, log }: Surroundings,
): Promise<OpenedParts> {
  const clock = realClock
  const now = (): Date => clock.now()
  const store = await createD1Store(config.database)
  // With the binding alone, the account has no name here: it is the Worker's own, as the database is.
  if (config.account !== null) await requireAccount(store, config.account.accountId)
  const budget = createApiBudget(allowances, config.streamApiBudget, () => clock.monotonicMs())
  const reach = withReachability(createStream(config), clock)
  const { creatorQuotaMinutes, createsPerMinute, maxDurationSeconds } = config
  const parts: Parts = {
    stream: withBudget(reach.backend, budget),
    backgroundStream: withBudget(reach.backend, budget, 'synchronisation'),
    store,
    events,
    clock,
    log,
    telemetry: silentTelemetry,
    policy: {
      maxDurationSeconds,
      creatorQuotaSeconds: creatorQuotaMinutes === null ? null : creatorQuotaMinutes * 60,
      createsPerMinute,
    },
    createLimit: createRateLimit(allowances, 'mint', createsPerMinute),
    deleteLimit: createRateLimit(allowances, 'delete', createsPerMinute),
    watchers,
    closing: new NeverAborts(),
    mintsUnderWay: new ForgetfulMap(),
    deletionsUnderWay: new ForgetfulMap(),
    readVideo: (body) => readVideo(JSON.parse(body)),
    newId: () => timeOrderedId(now()),
  }
  return { parts, reach }
}

/** To the wrong account all uploads would seem deleted. */
async function requireAccount(store: UploadStore, account: string): Promise<void> {
  const noted = await store.noteAccount(account)
  if (noted === account) return
  throw new Error(
    `The D1 database holds uploads of account ${noted}, and CLOUDFLARE_ACCOUNT_ID names ${account}, which does not know them. Bind another database to DB, or go back to the account. To keep this database, run \`wrangler d1 execute\` with: update deployments set account = '${account}'`,
  )
}
