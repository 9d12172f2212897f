/** Creates the dependencies of a gateway on Workers, for each isolate and for the hub. */
import { policyOf } from '../config/base-config.ts'
import type { RateLimiter } from '../uploads/ports/rate-limiter.ts'
import { type Clock, systemClock } from '../shared/clock.ts'
import type { UploadPubSub } from '../uploads/ports/upload-pubsub.ts'
import { createD1Store } from '../store/d1/d1-store.ts'
import type { UploadStore } from '../uploads/ports/upload-store.ts'
import { createApiBudget } from '../stream/decorators/api-budget.ts'
import { withBudget } from '../stream/decorators/with-budget.ts'
import {
  type AvailabilityTracker,
  withAvailability,
} from '../stream/decorators/with-availability.ts'
import { createPlaybackSigner } from '../stream/playback-signer.ts'
import { createPlaybackTokens } from '../stream/playback-tokens.ts'
import { readVideo } from '../stream/read-video.ts'
import { noopTelemetry } from '../telemetry/noop-telemetry.ts'
import { uuidV7 } from '../shared/uuid-v7.ts'
import {
  type CallbackRecorder,
  createCallbackRecorder,
} from '../uploads/callbacks/callback-recorder.ts'
import type { Dependencies } from '../uploads/dependencies.ts'
import type { Logger } from '../shared/logger.ts'
import { createCreationStore } from '../uploads/create/creation-store.ts'
import { createCallerRateLimit } from '../uploads/caller-rate-limit.ts'
import type { WatchRegistry } from '../uploads/ports/watch-registry.ts'
import type { WorkerConfig } from './config.ts'
import { NoopMap, NeverAbortedSignal } from './request-scoped.ts'
import { createStreamApi } from './stream-api.ts'

/** Dependencies that differ between the Worker and the hub. */
export interface HostDependencies {
  readonly pubsub: UploadPubSub
  readonly rateLimiter: RateLimiter
  readonly watchRegistry: WatchRegistry
  readonly log: Logger
}

export interface OpenedDependencies {
  readonly dependencies: Dependencies
  readonly availability: AvailabilityTracker
}

/** Rejects if the database is unreachable or migrations are pending. */
export async function openDependencies(
  config: WorkerConfig,
  { pubsub, rateLimiter, watchRegistry, log }: HostDependencies,
): Promise<OpenedDependencies> {
  const clock = systemClock
  const now = (): Date => clock.now()
  const store = await createD1Store(config.database)
  // The binding alone has no account id; its account is the Worker's own, like the database's.
  if (config.account !== null) await requireAccount(store, config.account.accountId)
  const budget = createApiBudget(rateLimiter, config.streamApiBudget, () => clock.monotonicMs())
  const availability = withAvailability(createStreamApi(config), clock)
  const stream = withBudget(availability.streamApi, budget)
  const sign = config.signingKey === null ? null : await createPlaybackSigner(config.signingKey)
  const dependencies: Dependencies = {
    stream,
    backgroundStream: withBudget(availability.streamApi, budget, 'sync'),
    store,
    creations: createCreationStore(store, rateLimiter),
    callbacks: createRecorder(config, clock),
    pubsub,
    clock,
    log,
    telemetry: noopTelemetry,
    policy: policyOf(config),
    createLimit: createCallerRateLimit(rateLimiter, 'mint'),
    deleteLimit: createCallerRateLimit(rateLimiter, 'delete'),
    updateLimit: createCallerRateLimit(rateLimiter, 'update'),
    playbackTokens: createPlaybackTokens({
      sign,
      stream,
      clock,
      inFlight: new NoopMap(),
      signaturesInFlight: new NoopMap(),
    }),
    playbackLimit: sign === null ? createCallerRateLimit(rateLimiter, 'playback') : null,
    watchRegistry,
    closing: new NeverAbortedSignal(),
    mintsInFlight: new NoopMap(),
    deletionsInFlight: new NoopMap(),
    updatesInFlight: new NoopMap(),
    // Each request has its own limit of processor time, and must not wait for others.
    pageTurns: {
      enter: () => Promise.resolve({ endReading: () => undefined, end: () => undefined }),
      next: () => Promise.resolve(),
    },
    readVideo: (body) => readVideo(JSON.parse(body)),
    newId: () => uuidV7(now()),
  }
  return { dependencies, availability }
}

/** The hub delivers callbacks when it is notified of the change, so that nothing is called here. */
function createRecorder(
  { callbacks }: Pick<WorkerConfig, 'callbacks'>,
  clock: Pick<Clock, 'now'>,
): CallbackRecorder | null {
  if (callbacks === null) return null
  return createCallbackRecorder({
    targets: callbacks.targets,
    newId: () => uuidV7(clock.now()),
    onRecorded: () => undefined,
  })
}

/** Rejects a different account, at which all uploads would appear deleted. */
async function requireAccount(store: UploadStore, account: string): Promise<void> {
  const recorded = await store.recordAccount(account)
  if (recorded === account) return
  throw new Error(
    `The D1 database belongs to account ${recorded}, but CLOUDFLARE_ACCOUNT_ID is ${account}. Bind another database to DB, or set the previous account. To keep this database, run \`wrangler d1 execute\` with: update deployments set account = '${account}'`,
  )
}
