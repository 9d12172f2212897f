/** One gateway with two ports: by the one the fast lane answers what it can, by the other it never does. */
import { randomUUID } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { BlockList } from 'node:net'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { onTestFinished } from 'vitest'
import { createMemoryAllowances } from '../../src/rate-limits/memory-rate-limiter.ts'
import { createMemoryEvents } from '../../src/pubsub/memory-pubsub.ts'
import { type Gateway, createGateway } from '../../src/http/gateway.ts'
import type { AuthRules } from '../../src/http/auth/authenticate.ts'
import type { Lane, LaneStream } from '../../src/http/graphql/fast-path/fast-path.ts'
import type { PreparedAnswer } from '../../src/http/raw-response.ts'
import { listen } from '../../src/node/server/http-server.ts'
import { isSignedByNode } from '../../src/node/verify-hmac.ts'
import { readGraphiQL } from '../../src/node/graphiql-files.ts'
import type { UploadStore } from '../../src/uploads/ports/upload-store.ts'
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import type { StreamBackend } from '../../src/uploads/ports/stream-api.ts'
import { createRestBackend } from '../../src/stream/rest/rest-stream-api.ts'
import { sendByFetch } from '../../src/stream/rest/fetch-transport.ts'
import { readVideo } from '../../src/stream/read-video.ts'
import { silentTelemetry } from '../../src/telemetry/noop-telemetry.ts'
import type { Telemetry } from '../../src/uploads/ports/telemetry.ts'
import type { Log, Parts } from '../../src/uploads/dependencies.ts'
import { createRateLimit } from '../../src/uploads/caller-rate-limit.ts'
import { createWatchers } from '../../src/uploads/watch/watch-registry.ts'
import { type TestClock, createTestClock } from '../kit/clock.ts'
import { type TestEmulator, startTestEmulator } from '../kit/emulator.ts'
import { TEST_SECRET } from '../kit/gateway.ts'

export interface Stage {
  /** Where the lane answers what it can. */
  readonly fast: string
  /** Where everything goes the long way: the same gateway, with the same uploads. */
  readonly long: string
  readonly gateway: Gateway
  /** The lane of the fast port, for whoever carries sockets himself. */
  readonly lane: Lane
  readonly parts: Parts
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
  readonly auth?: AuthRules
  readonly createsPerMinute?: number
  readonly creatorQuotaSeconds?: number | null
  /** Minutes of storage that the account has. */
  readonly storageMinutes?: number
  readonly introspection?: boolean
  /** Other ports in front of the real ones, which fail or wait when the test says so. */
  readonly store?: (store: UploadStore) => UploadStore
  readonly stream?: (stream: StreamBackend, emulator: TestEmulator) => StreamBackend
  /** The same for the lane of the fast port. */
  readonly lane?: (lane: Lane) => Lane
  /** Where it is to be told what happens. */
  readonly telemetry?: Telemetry
  /** The log, besides what `errors` keeps of it. */
  readonly log?: Log
}

const PLENTY = 1_000_000
/** A page of this origin may ask. */
export const LISTED_ORIGIN = 'https://app.example.com'

export const WITH_TOKENS: AuthRules = {
  kind: 'tokens',
  secret: new TextEncoder().encode(TEST_SECRET),
  jwksURL: null,
  issuer: null,
  audience: null,
}

function same<T>(port: T): T {
  return port
}

/** It is struck when the test is over. */
export async function setStage(wanted: Wanted = {}): Promise<Stage> {
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
  const { store: asStore = same, stream: asStream = same, lane: asLane = same } = wanted
  const stream = asStream(
    createRestBackend({
      accountId: emulator.accountId,
      apiToken: emulator.token,
      baseUrl: emulator.apiBaseUrl,
      send: sendByFetch(),
    }),
    emulator,
  )
  const allowances = createMemoryAllowances(() => clock.monotonicMs())
  const parts: Parts = {
    stream,
    backgroundStream: stream,
    store: asStore(store),
    events: createMemoryEvents(),
    clock,
    log: logInto(errors, wanted.log),
    telemetry: wanted.telemetry ?? silentTelemetry,
    policy: { maxDurationSeconds: 36_000, creatorQuotaSeconds, createsPerMinute },
    createLimit: createRateLimit(allowances, 'mint', createsPerMinute),
    deleteLimit: createRateLimit(allowances, 'delete', createsPerMinute),
    watchers: createWatchers(),
    closing: closing.signal,
    mintsUnderWay: new Map(),
    deletionsUnderWay: new Map(),
    readVideo: (body) => readVideo(JSON.parse(body)),
    newId: randomUUID,
  }
  const gateway = createGateway(parts, {
    auth: wanted.auth ?? WITH_TOKENS,
    allowedOrigins: [LISTED_ORIGIN],
    introspection: wanted.introspection ?? true,
    graphiQL: readGraphiQL,
    knownHosts: null,
    https: false,
    webhookSecrets: () => [],
    isSigned: isSignedByNode,
    readiness: { streamAway: async () => null },
    metrics: { expose: async () => ({ type: 'text/plain', text: '' }), token: null },
    console: null,
  })
  const answered = new Set<string>()
  let seated = 0
  const told: Lane = tellingLane(
    asLane(gateway.lane),
    (requestId) => answered.add(requestId),
    () => {
      seated += 1
    },
  )
  return {
    fast: await open({ ...gateway, lane: told }, parts.log),
    long: await open({ ...gateway, lane: NO_LANE }, parts.log),
    gateway,
    lane: told,
    parts,
    clock,
    emulator,
    databaseFile,
    answeredByLane: (requestId) => answered.has(requestId),
    seated: () => seated,
    errors,
    close: () => closing.abort(),
  }
}

async function open(gateway: Gateway, log: Log): Promise<string> {
  const listener = await listen({ host: '127.0.0.1', port: 0, trustedProxies: new BlockList() })
  listener.answerWith(gateway, log)
  onTestFinished(() => listener.close(0))
  return listener.url
}

/** Knows nothing and learns nothing. */
const NO_LANE: Lane = {
  answer: () => null,
  watch: () => null,
  learnWatched: () => undefined,
  learn: () => undefined,
}

/** The lane, and who is told what it answered. */
function tellingLane(
  lane: Lane,
  tellAnswered: (requestId: string) => void,
  tellSeated: () => void,
): Lane {
  function toldJoin(join: LaneStream['join']): LaneStream['join'] {
    return async (subscriber) => {
      const leave = await join(subscriber)
      if (leave !== null) tellSeated()
      return leave
    }
  }
  return {
    ...lane,
    answer(post) {
      const tell = <Answer extends PreparedAnswer | null>(answer: Answer): Answer => {
        if (answer !== null) tellAnswered(post.requestId)
        return answer
      }
      const answer = lane.answer(post)
      if (answer === null) return null
      if (answer instanceof Promise) return answer.then(tell)
      return 'join' in answer ? { ...answer, join: toldJoin(answer.join) } : tell(answer)
    },
    watch(viewer, asked) {
      const join = lane.watch(viewer, asked)
      return join === null ? null : toldJoin(join)
    },
  }
}

function ignore(): void {
  // Of errors alone it is told.
}

const SILENCE: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore }

function logInto(errors: object[], log: Log = SILENCE): Log {
  return {
    ...log,
    error(fields, message) {
      errors.push({ ...fields, message })
      log.error(fields, message)
    },
  }
}
