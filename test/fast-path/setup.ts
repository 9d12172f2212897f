/** One gateway with two HTTP servers: the first has the fast path, the second only the fallback. */
import { randomUUID } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { BlockList } from 'node:net'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { onTestFinished } from 'vitest'
import { createMemoryRateLimiter } from '../../src/rate-limits/memory-rate-limiter.ts'
import { createMemoryPubSub } from '../../src/pubsub/memory-pubsub.ts'
import { type Gateway, createGateway } from '../../src/http/gateway.ts'
import type { AuthConfig } from '../../src/http/auth/authenticate.ts'
import type { FastPath, EventStreamResponse } from '../../src/http/graphql/fast-path/fast-path.ts'
import type { TrustedDocuments } from '../../src/http/graphql/plugins/trusted-documents.ts'
import type { RawResponse } from '../../src/http/response-headers.ts'
import { startHttpServer } from '../../src/node/server/http-server.ts'
import { readGraphiQL } from '../../src/node/graphiql-files.ts'
import type { UploadStore } from '../../src/uploads/ports/upload-store.ts'
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import type { UploadPubSub } from '../../src/uploads/ports/upload-pubsub.ts'
import type { StreamApi } from '../../src/uploads/ports/stream-api.ts'
import type { SignPlaybackToken } from '../../src/stream/playback-signer.ts'
import { createPlaybackTokens } from '../../src/stream/playback-tokens.ts'
import { createRestStreamApi } from '../../src/stream/rest/rest-stream-api.ts'
import { createFetchTransport } from '../../src/stream/rest/fetch-transport.ts'
import { readVideo } from '../../src/stream/read-video.ts'
import { noopTelemetry } from '../../src/telemetry/noop-telemetry.ts'
import type { Telemetry } from '../../src/uploads/ports/telemetry.ts'
import { createScheduling } from '../../src/node/server/accept-priority.ts'
import { createPageTurns } from '../../src/node/page-turns.ts'
import type { Dependencies } from '../../src/uploads/dependencies.ts'
import type { Logger } from '../../src/shared/logger.ts'
import { createCreationStore } from '../../src/uploads/create/creation-store.ts'
import { createCallerRateLimit } from '../../src/uploads/caller-rate-limit.ts'
import { createWatchRegistry } from '../../src/uploads/watch/watch-registry.ts'
import { type TestClock, createTestClock } from '../kit/clock.ts'
import { type TestEmulator, startTestEmulator } from '../kit/emulator.ts'
import { TEST_SECRET } from '../kit/gateway.ts'

export interface Setup {
  /** URL of the server with the fast path. */
  readonly fast: string
  /** URL of the server without a fast path, with the same gateway and uploads. */
  readonly fallback: string
  readonly gateway: Gateway
  /** The fast path of the server at `fast`, for tests that create WebSocket servers. */
  readonly fastPath: FastPath
  readonly dependencies: Dependencies
  /** Stands still, so that both paths respond with the same timestamps. */
  readonly clock: TestClock
  readonly emulator: TestEmulator
  readonly databaseFile: string
  /** Whether the fast path responded to the request with this id, without bailing out. */
  usedFastPath(requestId: string): boolean
  /** How many subscriptions the fast path has served so far. */
  joinedSubscriptions(): number
  /** Entries logged with level error. */
  readonly errors: readonly object[]
  /** Shuts the gateway down: subscriptions end, and clients reconnect later. */
  close(): void
}

/** Options that differ from the defaults. */
export interface SetupOptions {
  readonly auth?: AuthConfig
  readonly createsPerMinute?: number
  readonly creatorQuotaSeconds?: number | null
  /** Storage capacity of the account in minutes. */
  readonly storageMinutes?: number
  readonly introspection?: boolean
  readonly federation?: boolean
  /** Documents that alone are executed. */
  readonly trustedDocuments?: TrustedDocuments
  /** Signs playback tokens; by default Stream is requested. */
  readonly sign?: SignPlaybackToken
  /** Wraps a port, for example to make its calls fail or wait. */
  readonly store?: (store: UploadStore) => UploadStore
  readonly stream?: (stream: StreamApi, emulator: TestEmulator) => StreamApi
  readonly pubsub?: (pubsub: UploadPubSub) => UploadPubSub
  /** Wraps the fast path. */
  readonly fastPath?: (fastPath: FastPath) => FastPath
  readonly telemetry?: Telemetry
  /** Receives all log entries, in addition to `errors`. */
  readonly log?: Logger
}

const UNLIMITED = 1_000_000
/** Pages of this origin may send requests. */
export const ALLOWED_ORIGIN = 'https://app.example.com'

export const JWT_AUTH: AuthConfig = {
  kind: 'jwt',
  secret: new TextEncoder().encode(TEST_SECRET),
  jwksURL: null,
  issuer: null,
  audience: null, // the claim `aud`
}

function identity<T>(value: T): T {
  return value
}

/** Creates the gateway, its servers and an emulator; they are closed after the test. */
export async function createSetup(options: SetupOptions = {}): Promise<Setup> {
  const { createsPerMinute = UNLIMITED, creatorQuotaSeconds = null, sign = null } = options
  const folder = await mkdtemp(joinPath(tmpdir(), 'headgate-fast-path-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const databaseFile = joinPath(folder, 'headgate.db')
  const store = createSqliteStore(databaseFile)
  onTestFinished(() => store.close())
  const emulator = await startTestEmulator({ storageMinutes: options.storageMinutes ?? UNLIMITED })
  const startedAt = Date.now()
  const clock = createTestClock(() => startedAt)
  const errors: object[] = []
  const closing = new AbortController()
  setMaxListeners(0, closing.signal)
  const {
    store: wrapStore = identity,
    stream: wrapStream = identity,
    pubsub: wrapPubSub = identity,
    fastPath: wrapFastPath = identity,
  } = options
  const stream = wrapStream(
    createRestStreamApi({
      accountId: emulator.accountId,
      apiToken: emulator.token,
      baseUrl: emulator.apiBaseUrl,
      send: createFetchTransport(),
    }),
    emulator,
  )
  const rateLimiter = createMemoryRateLimiter(() => clock.monotonicMs())
  const wrappedStore = wrapStore(store)
  const dependencies: Dependencies = {
    stream,
    backgroundStream: stream,
    store: wrappedStore,
    creations: createCreationStore(wrappedStore, rateLimiter),
    callbacks: null,
    pubsub: wrapPubSub(createMemoryPubSub()),
    clock,
    log: logInto(errors, options.log),
    telemetry: options.telemetry ?? noopTelemetry,
    policy: {
      maxDurationSeconds: 36_000,
      creatorQuotaSeconds,
      createsPerMinute,
      watermarkUid: null,
    },
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
    pageTurns: createPageTurns(createScheduling()),
    readVideo: (body) => readVideo(JSON.parse(body)),
    newId: randomUUID,
  }
  const gateway = createGateway(dependencies, {
    auth: options.auth ?? JWT_AUTH,
    allowedOrigins: [ALLOWED_ORIGIN],
    introspection: options.introspection ?? true,
    federation: options.federation ?? false,
    trustedDocuments: options.trustedDocuments ?? null,
    graphiQL: readGraphiQL,
    allowedHosts: null,
    https: false,
    webhookSecrets: () => [],
    readiness: { streamUnavailable: async () => null },
    metrics: { expose: async () => ({ type: 'text/plain', text: '' }), token: null },
    console: null,
  })
  const requestIds = new Set<string>()
  let joinedSubscriptions = 0
  const fastPath: FastPath = observeFastPath(
    wrapFastPath(gateway.fastPath),
    (requestId) => requestIds.add(requestId),
    () => {
      joinedSubscriptions += 1
    },
  )
  return {
    fast: await open({ ...gateway, fastPath }, dependencies.log),
    fallback: await open({ ...gateway, fastPath: NO_FAST_PATH }, dependencies.log),
    gateway,
    fastPath,
    dependencies,
    clock,
    emulator,
    databaseFile,
    usedFastPath: (requestId) => requestIds.has(requestId),
    joinedSubscriptions: () => joinedSubscriptions,
    errors,
    close: () => closing.abort(),
  }
}

async function open(gateway: Gateway, log: Logger): Promise<string> {
  const server = await startHttpServer({
    host: '127.0.0.1',
    port: 0,
    trustedProxies: new BlockList(),
  })
  server.serve(gateway, log)
  onTestFinished(() => server.close(0))
  return server.url
}

/** Has no compiled operations and compiles none. */
const NO_FAST_PATH: FastPath = {
  handle: () => null,
  subscribe: () => null,
  recordSubscription: () => undefined,
  recordFallback: () => undefined,
}

/** Wraps the fast path: calls `onResponse` and `onJoined` when it responds or serves a subscription. */
function observeFastPath(
  fastPath: FastPath,
  onResponse: (requestId: string) => void,
  onJoined: () => void,
): FastPath {
  function observeJoin(join: EventStreamResponse['join']): EventStreamResponse['join'] {
    return async (subscriber) => {
      const leave = await join(subscriber)
      if (leave !== null) onJoined()
      return leave
    }
  }
  return {
    ...fastPath,
    handle(request) {
      const report = <Response extends RawResponse | null>(response: Response): Response => {
        if (response !== null) onResponse(request.requestId)
        return response
      }
      const response = fastPath.handle(request)
      if (response === null) return null
      if (response instanceof Promise) return response.then(report)
      return 'join' in response
        ? { ...response, join: observeJoin(response.join) }
        : report(response)
    },
    subscribe(viewer, params) {
      const join = fastPath.subscribe(viewer, params)
      return join === null ? null : observeJoin(join)
    },
  }
}

function ignore(): void {
  // Only errors are collected.
}

const SILENT_LOGGER: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore }

function logInto(errors: object[], log: Logger = SILENT_LOGGER): Logger {
  return {
    ...log,
    error(fields, message) {
      errors.push({ ...fields, message })
      log.error(fields, message)
    },
  }
}
