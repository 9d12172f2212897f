/** Composition root on Node: creates the dependencies and the gateway from the configuration, and listens. */
import { setMaxListeners } from 'node:events'
import { allowedHosts, policyOf } from '../config/base-config.ts'
import type { Config } from '../config/gateway-config.ts'
import { systemClock, type Clock } from '../shared/clock.ts'
import type { Emulator } from '../emulator/emulator.ts'
import { countByName } from '../callbacks/target-names.ts'
import { createGateway } from '../http/gateway.ts'
import { createScheduling } from './server/accept-priority.ts'
import { createPageTurns } from './page-turns.ts'
import { type HttpServer, startHttpServer } from './server/http-server.ts'
import { overloadReason } from './server/load-shedder.ts'
import { openDatabase, requireAccount } from './open-database.ts'
import { createCallbacks } from './deliver-callbacks.ts'
import { createUndiciTransport } from './undici-transport.ts'
import { withDeliveryBudget } from './with-delivery-budget.ts'
import { createTrustedDocuments } from '../http/graphql/plugins/trusted-documents.ts'
import { consoleSources, readConsoleFiles, readOwnDocuments } from './console-files.ts'
import { readGraphiQL } from './graphiql-files.ts'
import { startEmulatorFromConfig } from './start-emulator.ts'
import type { StreamApi } from '../uploads/ports/stream-api.ts'
import { createApiBudget } from '../stream/decorators/api-budget.ts'
import { withBudget } from '../stream/decorators/with-budget.ts'
import {
  type AvailabilityTracker,
  unavailableReason,
  withAvailability,
} from '../stream/decorators/with-availability.ts'
import { withTelemetry } from '../stream/decorators/with-telemetry.ts'
import { createPlaybackSigner } from '../stream/playback-signer.ts'
import { createPlaybackTokens } from '../stream/playback-tokens.ts'
import { createRestStreamApi } from '../stream/rest/rest-stream-api.ts'
import type { HttpTransport } from '../stream/rest/transport.ts'
import { readVideo } from '../stream/read-video.ts'
import { createPrometheusTelemetry } from '../telemetry/prometheus/prometheus-telemetry.ts'
import { createOpenTelemetryTracing } from '../telemetry/opentelemetry.ts'
import { uuidV7 } from '../shared/uuid-v7.ts'
import type { Dependencies } from '../uploads/dependencies.ts'
import type { Logger } from '../shared/logger.ts'
import { createCallerRateLimit } from '../uploads/caller-rate-limit.ts'
import { createWatchRegistry } from '../uploads/watch/watch-registry.ts'

export interface RunningGateway {
  /** Base URL, such as `http://127.0.0.1:4000`. */
  readonly url: string
  /** The embedded emulator; null with a real account. */
  readonly emulator: Pick<
    Emulator,
    'url' | 'publicUrl' | 'apiBaseUrl' | 'accountId' | 'token'
  > | null
  /** Shuts down gracefully: waits for running requests, ends subscriptions, closes all dependencies. */
  stop(): Promise<void>
}

/** Time for running requests on shutdown, in milliseconds. Stream may take 15 s to mint one URL. */
const DRAIN_MS = 20_000

/** Time for the whole shutdown, in milliseconds: orchestrators kill after 30 s. */
const STOP_MS = 25_000

/**
 * Starts the gateway and all its dependencies. On failure, closes those that were started, and rejects.
 * @param consoleFolder replaces the package's built console in tests
 */
export async function startGateway(
  config: Config,
  log: Logger,
  clock: Clock = systemClock,
  consoleFolder?: URL,
): Promise<RunningGateway> {
  const closers: (() => Promise<void>)[] = []
  async function closeAll(): Promise<void> {
    const done = new AbortController()
    const deadline = systemClock.wait(STOP_MS, done.signal)
    for (const close of closers.toReversed()) await closeWithDeadline(deadline, close, log)
    done.abort()
  }
  try {
    const sign = config.signingKey === null ? null : await createPlaybackSigner(config.signingKey)
    // A clock that a test moves must drive the database too.
    const timeSource = clock === systemClock ? 'server' : 'clock'
    const database = await openDatabase(config.database, clock, log, timeSource)
    closers.push(() => database.close())
    const { store, creations, rateLimiter } = database
    const scheduling = createScheduling()
    const pubsub = withDeliveryBudget(database.pubsub, scheduling)
    const emulator = await startEmbeddedEmulator(config, log)
    if (emulator !== null) closers.push(() => emulator.close())
    await requireAccount(store, config.database, accountOf(config, emulator))
    const transport = createUndiciTransport()
    closers.push(() => transport.close())
    let syncLoop = Promise.resolve()
    closers.push(() => syncLoop)
    let deliveries = Promise.resolve()
    closers.push(() => deliveries)
    const server = await startHttpServer({ ...config, scheduling })
    closers.push(() => server.close(DRAIN_MS))

    const budget = createApiBudget(rateLimiter, config.streamApiBudget, () => clock.monotonicMs())
    const { telemetry, expose } = createPrometheusTelemetry({
      readings: {
        uploadsByStatus: () => store.countByStatus(),
        reservations: () => store.countReservations(),
        quotaUsage: () => store.quotaUsage(),
        oldestPollDue: () => store.oldestDuePoll(),
        callbacks: () => countByName(store.callbacks, config.callbacks?.targets ?? []),
        streamBudgetRemaining: () => budget.remaining(),
        load: () => server.load(),
      },
      clock,
      log,
      tracing: createOpenTelemetryTracing(),
    })
    const measuredStream = withTelemetry(
      createStreamApi(config, emulator, transport.send),
      telemetry,
    )
    const availability = withAvailability(measuredStream, clock)
    const stream = withBudget(availability.streamApi, budget)
    const emulatorSecrets = emulator === null ? [] : [await registerEmulatorWebhook(stream, server)]
    const webhookSecrets = [...emulatorSecrets, ...config.webhookSecrets]
    if (webhookSecrets.length === 0) {
      log.warn(
        {},
        'STREAM_WEBHOOK_SECRET is not set: webhooks are rejected with 503, status changes arrive by polling only',
      )
    }

    const closing = new AbortController()
    // Each subscription adds a server: thousands are not a leak.
    setMaxListeners(0, closing.signal)
    const callbacks =
      config.callbacks === null
        ? null
        : createCallbacks(config.callbacks, {
            clock,
            log,
            telemetry,
            store,
            closing: closing.signal,
          })
    const dependencies: Dependencies = {
      stream,
      backgroundStream: withBudget(availability.streamApi, budget, 'sync'),
      store,
      creations,
      callbacks: callbacks?.recorder ?? null,
      pubsub,
      clock,
      log,
      telemetry,
      policy: policyOf(config),
      createLimit: createCallerRateLimit(rateLimiter, 'mint'),
      deleteLimit: createCallerRateLimit(rateLimiter, 'delete'),
      updateLimit: createCallerRateLimit(rateLimiter, 'update'),
      playbackTokens: createPlaybackTokens({
        sign,
        stream,
        clock,
        inFlight: new Map(),
        signaturesInFlight: new Map(),
      }),
      playbackLimit: sign === null ? createCallerRateLimit(rateLimiter, 'playback') : null,
      watchRegistry: createWatchRegistry(),
      closing: closing.signal,
      mintsInFlight: new Map(),
      deletionsInFlight: new Map(),
      updatesInFlight: new Map(),
      pageTurns: createPageTurns(scheduling),
      readVideo: (body) => readVideo(JSON.parse(body)),
      newId: () => uuidV7(clock.now()),
    }
    const gateway = createGateway(dependencies, {
      auth: config.auth,
      allowedOrigins: [...ownOrigins(config, server), ...config.allowedOrigins],
      introspection: config.introspection,
      federation: config.federation,
      graphiQL: readGraphiQL,
      trustedDocuments:
        config.trustedDocuments === null
          ? null
          : createTrustedDocuments([
              ...config.trustedDocuments,
              ...readOwnDocuments(consoleFolder),
            ]),
      allowedHosts: allowedHosts(config),
      https: config.publicURL?.startsWith('https:') ?? false,
      webhookSecrets: () => webhookSecrets,
      readiness: {
        streamUnavailable: () => streamUnavailable(availability, dependencies),
        overload: () => overloadReason(server.load()),
      },
      metrics: { expose, token: config.metricsToken },
      console: {
        read: readConsoleFiles(consoleFolder),
        ...consoleSources(config.stream, emulator?.publicUrl ?? null),
      },
    })
    server.serve(gateway, log)
    syncLoop = gateway.runSyncLoop()
    if (callbacks !== null) deliveries = callbacks.deliver()
    closers.push(async () => closing.abort())
    return { url: server.url, emulator, stop: closeAll }
  } catch (error) {
    await closeAll()
    throw error
  }
}

function startEmbeddedEmulator(
  { stream, host, publicURL }: Config,
  log: Logger,
): Promise<Emulator | null> {
  if (stream.kind !== 'emulator') return Promise.resolve(null)
  return startEmulatorFromConfig({ ...stream, host, gatewayURL: publicURL }, (err) =>
    log.error({ err }, 'the emulator failed'),
  )
}

function accountOf({ stream }: Config, emulator: Emulator | null): string {
  return stream.kind === 'account' ? stream.accountId : (emulator?.accountId ?? 'local')
}

function createStreamApi(
  { stream }: Config,
  emulator: Emulator | null,
  send: HttpTransport,
): StreamApi {
  if (stream.kind === 'account') {
    const { accountId, apiToken, baseURL } = stream
    return createRestStreamApi({ accountId, apiToken, baseUrl: baseURL, send })
  }
  if (emulator === null) throw new Error('The emulator was not started.')
  return createRestStreamApi({
    accountId: emulator.accountId,
    apiToken: emulator.token,
    baseUrl: emulator.apiBaseUrl,
    send,
  })
}

/** Returns the last known state without waiting. Each probe may trigger a request to Stream in the background. */
async function streamUnavailable(
  availability: AvailabilityTracker,
  { backgroundStream }: Dependencies,
): Promise<string | null> {
  void availability.probe(backgroundStream)
  return unavailableReason(availability.current(), 'the log, and run `headgate doctor`')
}

/** Origins of the gateway's own pages. */
function ownOrigins({ publicURL }: Config, { url }: HttpServer): readonly string[] {
  return publicURL === null ? [url, url.replace('//127.0.0.1:', '//localhost:')] : [publicURL]
}

/** Logs failures and stops waiting at the deadline, so that the remaining dependencies are closed too. */
async function closeWithDeadline(
  deadline: Promise<void>,
  close: () => Promise<void>,
  log: Logger,
): Promise<void> {
  try {
    await Promise.race([close(), deadline])
  } catch (error) {
    log.error({ err: error }, 'closing a dependency failed')
  }
}

/** Points the embedded emulator's webhook at this gateway; returns the signing secret. */
async function registerEmulatorWebhook(stream: StreamApi, server: HttpServer): Promise<string> {
  const { secret } = await stream.setWebhook(`${server.url}/webhooks/stream`)
  return secret
}
