/** The whole product as one function: requests in, answers out, whatever it runs on. */
import { createAnswerHeaders } from './response-headers.ts'
import type { AuthRules } from './auth/authenticate.ts'
import { type BesideDoors, createBesideDoors } from './host-responses.ts'
import { createCallers } from './callers.ts'
import { type ConsoleOptions, createFrontDoor, withConsoleFiles } from './pages/console-page.ts'
import { withCors } from './middleware/cors.ts'
import { createCrowdLimit } from './graphql/plugins/concurrency-limit.ts'
import { type Deadlines, createDeadlines } from './graphql/plugins/deadlines.ts'
import { type Door, say } from './handler.ts'
import { GRAPHQL_PATH } from './graphql/endpoint.ts'
import { type GraphiQLFiles, createGraphiQL } from './pages/graphiql-page.ts'
import { createGraphQLDoor } from './graphql/graphql-handler.ts'
import { type Readiness, createReadyDoor, healthDoor } from './monitoring/health.ts'
import { createKnownDocuments } from './known-documents.ts'
import { withKnownHosts } from './middleware/allowed-hosts.ts'
import { createGatewayLane } from './lane/gateway-lane.ts'
import type { Lane } from './graphql/fast-path/fast-path.ts'
import { type MetricsDoorOptions, createMetricsDoor } from './monitoring/metrics.ts'
import { createRequestIds, withRequestIds } from './middleware/request-id.ts'
import { createRouter, withApology } from './router.ts'
import { withSecurityHeaders } from './middleware/security-headers.ts'
import { type SocketDoor, createSocketDoor } from './graphql/websocket/websocket-server.ts'
import { TUS_EXPOSED, createTusDoor } from './tus/tus-handler.ts'
import { createNoteAnswer } from './middleware/access-log.ts'
import { type NoticeLane, createNoticeLane } from './webhooks/webhook-fast-path.ts'
import { type WebhookOptions, createTakeNotice } from './webhooks/process-webhook.ts'
import { MOST_MILLISECONDS } from './graphql/plugins/operation-timeout.ts'
import { WEBHOOK_PATH, createWebhookDoor } from './webhooks/webhook-handler.ts'
import { createGatewayYoga } from './graphql/yoga.ts'
import { keepInSync, measuredRound } from '../uploads/sync/sync-loop.ts'
import type { Parts } from '../uploads/dependencies.ts'
import { type SyncReport, createSynchroniser } from '../uploads/sync/synchronizer.ts'

export interface GatewayOptions extends WebhookOptions {
  readonly auth: AuthRules
  /** Origins whose pages may call from a browser, such as `https://app.example.com`. */
  readonly allowedOrigins: readonly string[]
  /** False hides the schema and GraphiQL. */
  readonly introspection: boolean
  /** Reads what browsers find at `/graphql`, see graphiql.ts; null on hosts that have no room for it. */
  readonly graphiQL: (() => Promise<GraphiQLFiles>) | null
  /**
   * Names by which a gateway without tokens may be addressed, besides addresses and local names; null
   * where any will do, because tokens are asked for.
   */
  readonly knownHosts: readonly string[] | null
  /** Whether browsers come by TLS. */
  readonly https: boolean
  /** What `/readyz` asks, besides the database. */
  readonly readiness: Readiness
  /** The door for Prometheus; null on hosts that measure nothing. */
  readonly metrics: MetricsDoorOptions | null
  /** The console that browsers find at `/`; null for none. */
  readonly console: Omit<ConsoleOptions, 'wantsToken'> | null
  /** How it is noticed that an operation takes too long. @default by one timer for all */
  readonly deadlines?: Deadlines
  /** Has the host wait for what many requests share; left out where it ends nothing with a request. */
  readonly keepAlive?: (work: Promise<unknown>) => void
}

export interface Gateway {
  /** Answers a request. Never rejects. */
  readonly fetch: Door
  /** The fast lane in front of `fetch`, for hosts that read requests whole. */
  readonly lane: Lane
  /** The same for Stream's notices. */
  readonly noticeLane: NoticeLane
  /** Names a request, as it was named by a proxy that is believed, or anew. */
  readonly nextId: (given?: string | null) => string
  /** For what the host answers by itself. */
  readonly besideDoors: BesideDoors
  /** How WebSockets are answered, for hosts that carry them. */
  readonly sockets: SocketDoor
  /** Origins whose pages may open one. */
  readonly allowedOrigins: ReadonlySet<string>
  /** One round of synchronisation, for hosts that call at intervals. */
  readonly sync: () => Promise<SyncReport>
  /** Round after round until the gateway closes; resolves then. */
  readonly keepInSync: () => Promise<void>
}

const DOORS = `headgate: a GraphQL gateway for direct creator uploads to Cloudflare Stream.

/                 the console, in a browser: upload, watch, resume, play
/graphql          GraphQL over HTTP, SSE and WebSocket; GraphiQL in a browser
/tus              creates uploads for tus clients: their endpoint
/webhooks/stream  notices of Cloudflare Stream
/healthz          alive?
/readyz           ready?
/metrics          what is measured, for Prometheus`

const nothingMeasured: Door = async () =>
  say(404, 'Nothing is measured here: ask whoever hosts the gateway for its numbers.')

/** Puts the parts together. Whoever made the parts ends them, after `parts.closing` is given. */
export function createGateway(parts: Parts, options: GatewayOptions): Gateway {
  const { log } = parts
  const callers = createCallers(options.auth, () => parts.clock.now(), log, options.keepAlive)
  const { authenticate } = callers
  const origins = new Set(options.allowedOrigins)
  const crowd = createCrowdLimit(parts.telemetry)
  const deadlines = options.deadlines ?? createDeadlines(parts, MOST_MILLISECONDS)
  const documents = createKnownDocuments()
  const yoga = createGatewayYoga(parts, { ...options, crowd, deadlines, documents })
  const { closing } = parts
  const graphiQL =
    options.introspection && options.graphiQL !== null ? createGraphiQL(options.graphiQL) : null
  const graphiQLPage = graphiQL?.page ?? null
  const graphql = createGraphQLDoor(yoga, authenticate, { ...options, graphiQLPage, closing })

  const wantsToken = options.auth.kind === 'tokens'
  const console = options.console === null ? null : { ...options.console, wantsToken }

  const synchroniser = createSynchroniser({ ...parts, stream: parts.backgroundStream })
  const takeNotice = createTakeNotice(parts, options)
  const noteAnswer = createNoteAnswer(parts)
  const doors: Readonly<Record<string, Door>> = {
    '/': createFrontDoor(DOORS, console),
    [GRAPHQL_PATH]: withCors({ origins, methods: 'GET, POST' }, log, withApology(log, graphql)),
    '/tus': withCors(
      { origins, methods: 'POST', exposed: TUS_EXPOSED },
      log,
      withApology(log, createTusDoor(parts, authenticate)),
    ),
    [WEBHOOK_PATH]: withApology(log, createWebhookDoor(takeNotice, options)),
    '/healthz': healthDoor,
    '/readyz': createReadyDoor(parts, options.readiness),
    '/metrics':
      options.metrics === null
        ? nothingMeasured
        : withApology(log, createMetricsDoor(options.metrics)),
  }
  const { knownHosts } = options
  const router = createRouter(doors, parts.telemetry, noteAnswer)
  const withPages = withConsoleFiles(console, graphiQL?.withFiles(router) ?? router)
  const open = withApology(log, withPages)
  const guarded = knownHosts === null ? open : withKnownHosts(knownHosts, open)
  const nextId = createRequestIds()
  const fetch = withRequestIds(nextId, withSecurityHeaders(options, guarded))
  const answerHeaders = createAnswerHeaders({ origins, https: options.https })
  const shared = { origins, knownHosts, callers, crowd, deadlines, documents }
  const lane = createGatewayLane(parts, yoga, { ...shared, answerHeaders, noteAnswer })
  return {
    fetch,
    lane,
    noticeLane: createNoticeLane({ ...options, parts, takeNotice, noteAnswer }),
    nextId,
    besideDoors: createBesideDoors(
      new Set(Object.keys(doors)),
      answerHeaders,
      parts.telemetry,
      noteAnswer,
    ),
    sockets: createSocketDoor(parts, yoga, authenticate),
    allowedOrigins: origins,
    async sync() {
      const report = await measuredRound(parts, synchroniser)
      await synchroniser.idle()
      return report
    },
    keepInSync: () => keepInSync(parts, synchroniser),
  }
}
