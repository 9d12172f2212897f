/** One gateway with two ports: by the one the fast lane answers what it can, by the other it never does. */
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
import type { RawResponse } from '../../src/http/raw-response.ts'
import { startHttpServer } from '../../src/node/server/http-server.ts'
import { verifyHmac } from '../../src/node/verify-hmac.ts'
import { readGraphiQL } from '../../src/node/graphiql-files.ts'
import type { UploadStore } from '../../src/uploads/ports/upload-store.ts'
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import type { StreamApi } from '../../src/uploads/ports/stream-api.ts'
import { createRestStreamApi } from '../../src/stream/rest/rest-stream-api.ts'
import { createFetchTransport } from '../../src/stream/rest/fetch-transport.ts'
import { readVideo } from '../../src/stream/read-video.ts'
import { noopTelemetry } from '../../src/telemetry/noop-telemetry.ts'
import type { Telemetry } from '../../src/uploads/ports/telemetry.ts'
import type { Dependencies } from '../../src/uploads/dependencies.ts'
import type { Logger } from '../../src/shared/logger.ts'
import { createCallerRateLimit } from '../../src/uploads/caller-rate-limit.ts'
import { createWatchRegistry } from '../../src/uploads/watch/watch-registry.ts'
import { type TestClock, createTestClock } from '../kit/clock.ts'
import { type TestEmulator, startTestEmulator } from '../kit/emulator.ts'
import { TEST_SECRET } from '../kit/gateway.ts'

export interface Setup {
  /** Where the lane answers what it can. */
  readonly fast: string
  /** Where everything goes the long way: the same gateway, with the same uploads. */
  readonly long: string
  readonly gateway: Gateway
  /** The lane of the fast port, for whoever carries sockets himself. */
  readonly lane: FastPath
  readonly parts: Dependencies
  /** Stands still, so that both ways answer at the same moment. */
  readonly clock: TestClock
  readonly emulator: TestEmulator
  readonly databaseFile: string
  /** Whether the lane itself answered the request of this id. */
  answeredByLane(requestId: string): boolean
  /** How many subscriptions the lane has seated. */
  seated(): number
  /** What was logged as an error. */
  readonly errors: readonly object[]
  /** The gateway stops: subscriptions end, and whoever watches is to come back. */
  close(): void
}

/** What a test wants to be otherwise. */
export interface Wanted {
  readonly auth?: AuthConfig
  readonly createsPerMinute?: number
  readonly creatorQuotaSeconds?: number | null
  /** Minutes of storage that the account has. */
  readonly storageMinutes?: number
  readonly introspection?: boolean
  /** Other ports in front of the real ones, which fail or wait when the test says so. */
  readonly store?: (store: UploadStore) => UploadStore
  readonly stream?: (stream: StreamApi, emulator: TestEmulator) => StreamApi
  /** The same for the lane of the fast port. */
  readonly lane?: (fastPath: FastPath) => FastPath
  /** Where it is to be told what happens. */
  readonly telemetry?: Telemetry
  /** The log, besides what `errors` keeps of it. */
  readonly log?: Logger
}

const PLENTY = 1_000_000
/** A page of this origin may ask. */
export const LISTED_ORIGIN = 'https://app.example.com'

export const WITH_TOKENS: AuthConfig = {
  kind: 'jwt',
  secret: new TextEncoder().encode(TEST_SECRET),
  jwksURL: null,
  issuer: null,
  audience: null,
}

function same<T>(port: T): T {
  return port
}

/** It is struck when the test is over. */
export async function setSetup(wanted: Wanted = {}): Promise<Setup> {
  const { createsPerMinute = PLENTY, creatorQuotaSeconds = null } = wanted
  const folder = await mkdtemp(joinPath(tmpdir(), 'headgate-lane-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const databaseFile = joinPath(folder, 'headgate.db')
  const store = createSqliteStore(databaseFile)
  onTestFinished(() => store.close())
  const emulator = await startTestEmulator({ storageMinutes: wanted.storageMinutes ?? PLENTY })
  const startedAt = Date.now()
  const clock = createTestClock(() => startedAt)
  const errors: object[] = []
  const closing = new AbortController()
  setMaxListeners(0, closing.signal)
  const { store: asStore = same, stream: asStream = same, lane: asFastPath = same } = wanted
  const stream = asStream(
    createRestStreamApi({
      accountId: emulator.accountId,
      apiToken: emulator.token,
      baseUrl: emulator.apiBaseUrl,
      send: createFetchTransport(),
    }),
    emulator,
  )
  const rateLimiter = createMemoryRateLimiter(() => clock.monotonicMs())
  const dependencies: Dependencies = {
    stream,
    backgroundStream: stream,
    store: asStore(store),
    pubsub: createMemoryPubSub(),
    clock,
    log: logInto(errors, wanted.log),
    telemetry: wanted.telemetry ?? noopTelemetry,
    policy: { maxDurationSeconds: 36_000, creatorQuotaSeconds, createsPerMinute },
    createLimit: createCallerRateLimit(rateLimiter, 'mint', createsPerMinute),
    deleteLimit: createCallerRateLimit(rateLimiter, 'delete', createsPerMinute),
    watchers: createWatchRegistry(),
    closing: closing.signal,
    mintsInFlight: new Map(),
    deletionsInFlight: new Map(),
    readVideo: (body) => readVideo(JSON.parse(body)),
    newId: randomUUID,
  }
  const gateway = createGateway(dependencies, {
    auth: wanted.auth ?? WITH_TOKENS,
    allowedOrigins: [LISTED_ORIGIN],
    introspection: wanted.introspection ?? true,
    graphiQL: readGraphiQL,
    allowedHosts: null,
    https: false,
    webhookSecrets: () => [],
    isSigned: verifyHmac,
    readiness: { streamUnavailable: async () => null },
    metrics: { expose: async () => ({ type: 'text/plain', text: '' }), token: null },
    console: null,
  })
  const answered = new Set<string>()
  let seated = 0
  const told: FastPath = tellingFastPath(
    asFastPath(gateway.fastPath),
    (requestId) => answered.add(requestId),
    () => {
      seated += 1
    },
  )
  return {
    fast: await open({ ...gateway, fastPath: told }, dependencies.log),
    long: await open({ ...gateway, fastPath: NO_FAST_PATH }, dependencies.log),
    gateway,
    lane: told,
    parts: dependencies,
    clock,
    emulator,
    databaseFile,
    answeredByLane: (requestId) => answered.has(requestId),
    seated: () => seated,
    errors,
    close: () => closing.abort(),
  }
}

async function open(gateway: Gateway, log: Logger): Promise<string> {
  const listener = await startHttpServer({
    host: '127.0.0.1',
    port: 0,
    trustedProxies: new BlockList(),
  })
  listener.serve(gateway, log)
  onTestFinished(() => listener.close(0))
  return listener.url
}

/** Knows nothing and learns nothing. */
const NO_FAST_PATH: FastPath = {
  handle: () => null,
  subscribe: () => null,
  learnSubscription: () => undefined,
  learn: () => undefined,
}

/** The lane, and who is told what it answered. */
function tellingFastPath(
  fastPath: FastPath,
  tellAnswered: (requestId: string) => void,
  tellSeated: () => void,
): FastPath {
  function toldJoin(join: EventStreamResponse['join']): EventStreamResponse['join'] {
    return async (subscriber) => {
      const leave = await join(subscriber)
      if (leave !== null) tellSeated()
      return leave
    }
  }
  return {
    ...fastPath,
    handle(post) {
      const tell = <Answer extends RawResponse | null>(answer: Answer): Answer => {
        if (answer !== null) tellAnswered(post.requestId)
        return answer
      }
      const answer = fastPath.handle(post)
      if (answer === null) return null
      if (answer instanceof Promise) return answer.then(tell)
      return 'join' in answer ? { ...answer, join: toldJoin(answer.join) } : tell(answer)
    },
    subscribe(viewer, asked) {
      const join = fastPath.subscribe(viewer, asked)
      return join === null ? null : toldJoin(join)
    },
  }
}

function ignore(): void {
  // Of errors alone it is told.
}

const SILENCE: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore }

function logInto(errors: object[], log: Logger = SILENCE): Logger {
  return {
    ...log,
    error(fields, message) {
      errors.push({ ...fields, message })
      log.error(fields, message)
    },
  }
}
