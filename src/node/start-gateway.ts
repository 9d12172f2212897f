/** The door for Node: configuration becomes parts, parts become a gateway, and the gateway listens. */
import { setMaxListeners } from 'node:events'
import type { Config } from '../config/node-config.ts'
import { realClock } from '../shared/clock.ts'
import type { Emulator } from '../emulator/emulator.ts'
import { createGateway } from '../http/gateway.ts'
import { type Listener, listen } from './server/http-server.ts'
import { overloadReason } from './server/load-shedder.ts'
import { isSignedByNode } from './verify-hmac.ts'
import { openDatabase, requireAccount } from './open-database.ts'
import { createPooledSend } from './undici-transport.ts'
import { consoleSources, readConsoleFiles } from './console-files.ts'
import { readGraphiQL } from './graphiql-files.ts'
import { startConfiguredEmulator } from './start-emulator.ts'
import type { StreamBackend } from '../uploads/ports/stream-api.ts'
import { createApiBudget } from '../stream/decorators/api-budget.ts'
import { withBudget } from '../stream/decorators/with-budget.ts'
import { type Reachability, withReachability } from '../stream/decorators/with-availability.ts'
import { withTelemetry } from '../stream/decorators/with-telemetry.ts'
import { createRestBackend } from '../stream/rest/rest-stream-api.ts'
import type { Send } from '../stream/rest/transport.ts'
import { readVideo } from '../stream/read-video.ts'
import { createPrometheusTelemetry } from '../telemetry/prometheus/prometheus-telemetry.ts'
import { createTraces } from '../telemetry/opentelemetry.ts'
import { timeOrderedId } from '../shared/uuid-v7.ts'
import type { Clock, Log, Parts } from '../uploads/dependencies.ts'
import { createRateLimit } from '../uploads/caller-rate-limit.ts'
import { createWatchers } from '../uploads/watch/watch-registry.ts'

export { createGateway, type Gateway, type GatewayOptions } from '../http/gateway.ts'
export { type Config, readConfig } from '../config/node-config.ts'
export { createRestBackend } from '../stream/rest/rest-stream-api.ts'
export { createPooledSend } from './undici-transport.ts'
export { sendByFetch } from '../stream/rest/fetch-transport.ts'
export { openPostgres } from '../postgres/connection-pool.ts'
export { createPostgresEvents } from '../pubsub/postgres/postgres-pubsub.ts'
export { createPostgresStore } from '../store/postgres/postgres-store.ts'
export { createSqliteStore } from '../store/sqlite/sqlite-store.ts'
export { createMemoryEvents } from '../pubsub/memory-pubsub.ts'
export { createMemoryAllowances } from '../rate-limits/memory-rate-limiter.ts'
export { createPostgresAllowances } from '../rate-limits/postgres-rate-limiter.ts'

/** A gateway that listens. */
export interface RunningGateway {
  /** Where it listens, such as `http://127.0.0.1:4000`. */
  readonly url: string
  /** The embedded emulator; null with a real account. */
  readonly emulator: Pick<
    Emulator,
    'url' | 'publicUrl' | 'apiBaseUrl' | 'accountId' | 'token'
  > | null
  /** Finishes what is under way, ends subscriptions, and closes everything. */
  stop(): Promise<void>
}

/** How long requests under way may still take, in milliseconds: Stream has 15 s to mint one URL. */
const DRAIN_MS = 20_000
/** How long everything together may take to close: orchestrators kill after 30 s. */
const STOP_MS = 25_000

/**
 * Starts everything that the configuration names; what was started is stopped again on failure.
 * @param consoleFolder another built console than the package's own, for tests
 */
export async function startGateway(
  config: Config,
  log: Log,
  clock: Clock = realClock,
  consoleFolder?: URL,
): Promise<RunningGateway> {
  const closers: (() => Promise<void>)[] = []
  async function closeAll(): Promise<void> {
    const done = new AbortController()
    const deadline = realClock.wait(STOP_MS, done.signal)
    for (const close of closers.toReversed()) await closeBefore(deadline, close, log)
    done.abort()
  }
  try {
    // A clock that a test moves decides for the database as well.
    const sharedTime = clock === realClock ? 'server' : 'clock'
    const database = await openDatabase(config.database, clock, log, sharedTime)
    closers.push(() => database.close())
    const { store, events, allowances } = database
    const emulator = await startEmbedded(config)
    if (emulator !== null) closers.push(() => emulator.close())
    await requireAccount(store, config.database, accountOf(config, emulator))
    const pooled = createPooledSend()
    closers.push(() => pooled.close())
    let synchronised = Promise.resolve()
    closers.push(() => synchronised)
    const listener = await listen(config)
    closers.push(() => listener.close(DRAIN_MS))

    const budget = createApiBudget(allowances, config.streamApiBudget, () => clock.monotonicMs())
    const { telemetry, expose } = createPrometheusTelemetry({
      observe: {
        uploadsByStatus: () => store.countByStatus(),
        reservations: () => store.countReservations(),
        holdings: () => store.holdings(),
        oldestDue: () => store.oldestDue(),
        streamBudgetLeft: () => budget.left(),
        load: () => listener.load(),
      },
      clock,
      log,
      traces: createTraces(),
    })
    const metered = withTelemetry(createStream(config, emulator, pooled.send), telemetry)
    const reach = withReachability(metered, clock)
    const stream = withBudget(reach.backend, budget)
    const emulatorSecrets = emulator === null ? [] : [await hearFrom(stream, listener)]
    const webhookSecrets = [...emulatorSecrets, ...config.webhookSecrets]
    if (webhookSecrets.length === 0) {
      log.warn({}, 'STREAM_WEBHOOK_SECRET is not set: notices are refused, changes are seen later')
    }

    const closing = new AbortController()
    // Each subscription listens to it: thousands are no leak.
    setMaxListeners(0, closing.signal)
    const parts: Parts = {
      stream,
      backgroundStream: withBudget(reach.backend, budget, 'synchronisation'),
      store,
      events,
      clock,
      log,
      telemetry,
      policy: {
        maxDurationSeconds: config.maxDurationSeconds,
        creatorQuotaSeconds:
          config.creatorQuotaMinutes === null ? null : config.creatorQuotaMinutes * 60,
        createsPerMinute: config.createsPerMinute,
      },
      createLimit: createRateLimit(allowances, 'mint', config.createsPerMinute),
      deleteLimit: createRateLimit(allowances, 'delete', config.createsPerMinute),
      watchers: createWatchers(),
      closing: closing.signal,
      mintsUnderWay: new Map(),
      deletionsUnderWay: new Map(),
      readVideo: (body) => readVideo(JSON.parse(body)),
      newId: () => timeOrderedId(clock.now()),
    }
    const gateway = createGateway(parts, {
      auth: config.auth,
      allowedOrigins: [...ownOrigins(config, listener), ...config.allowedOrigins],
      introspection: config.introspection,
      graphiQL: readGraphiQL,
      knownHosts: knownHosts(config),
      https: config.publicURL?.startsWith('https:') ?? false,
      webhookSecrets: () => webhookSecrets,
      isSigned: isSignedByNode,
      readiness: {
        streamAway: () => streamAway(reach, parts),
        overload: () => overloadReason(listener.load()),
      },
      metrics: { expose, token: config.metricsToken },
      console: {
        files: readConsoleFiles(consoleFolder),
        ...consoleSources(config.stream, emulator?.publicUrl ?? null),
      },
    })
    listener.answerWith(gateway, log)
    synchronised = gateway.keepInSync()
    closers.push(async () => closing.abort())
    return { url: listener.url, emulator, stop: closeAll }
  } catch (error) {
    await closeAll()
    throw error
  }
}

function startEmbedded({ stream, host, publicURL }: Config): Promise<Emulator | null> {
  if (stream.kind !== 'emulator') return Promise.resolve(null)
  return startConfiguredEmulator({ ...stream, host, gatewayURL: publicURL })
}

function accountOf({ stream }: Config, emulator: Emulator | null): string {
  return stream.kind === 'account' ? stream.accountId : (emulator?.accountId ?? 'local')
}

function createStream({ stream }: Config, emulator: Emulator | null, send: Send): StreamBackend {
  if (stream.kind === 'account') {
    const { accountId, apiToken, baseURL } = stream
    return createRestBackend({ accountId, apiToken, baseUrl: baseURL, send })
  }
  if (emulator === null) throw new Error('The emulator was not started.')
  return createRestBackend({
    accountId: emulator.accountId,
    apiToken: emulator.token,
    baseUrl: emulator.apiBaseUrl,
    send,
  })
}

/** Asked for by each probe: Stream itself is asked seldom, and nobody waits for that. */
async function streamAway(
  reach: Reachability,
  { backgroundStream }: Parts,
): Promise<string | null> {
  void reach.probe(backgroundStream)
  const { isAway, failingSince } = reach.lately()
  return isAway && failingSince !== null
    ? `Cloudflare Stream has answered nothing of use since ${failingSince.toISOString()}: see the log, and \`headgate doctor\`.`
    : null
}

/** Pages that the gateway itself serves, under the names by which they are opened. */
function ownOrigins({ publicURL }: Config, { url }: Listener): readonly string[] {
  return publicURL === null ? [url, url.replace('//127.0.0.1:', '//localhost:')] : [publicURL]
}

/** Where everybody is an administrator, a page of any name must not be able to come by it. */
function knownHosts({ auth, publicURL }: Config): readonly string[] | null {
  if (auth.kind !== 'open') return null
  return publicURL === null ? [] : [new URL(publicURL).hostname]
}

/** One part that hangs or fails keeps no other from closing: past the deadline all are still asked to. */
async function closeBefore(
  deadline: Promise<void>,
  close: () => Promise<void>,
  log: Log,
): Promise<void> {
  try {
    await Promise.race([close(), deadline])
  } catch (error) {
    log.error({ err: error }, 'a part did not close')
  }
}

/** Has the embedded emulator send its notices here; returns the secret that signs them. */
async function hearFrom(stream: StreamBackend, listener: Listener): Promise<string> {
  const { secret } = await stream.setWebhook(`${listener.url}/webhooks/stream`)
  return secret
}
