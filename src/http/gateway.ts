/** Assembles the gateway from its dependencies: routes, middleware, fast path, WebSocket server, sync loop. */
import { createResponseHeaders } from './response-headers.ts'
import type { AuthConfig } from './auth/authenticate.ts'
import { type HostResponses, createHostResponses } from './host-responses.ts'
import { createAuthenticator } from './auth/authenticator.ts'
import { type ConsoleOptions, createIndexHandler, withConsoleAssets } from './pages/console-page.ts'
import { withCors, withReadableErrors } from './middleware/cors.ts'
import { type TokenExpiry, createTokenExpiry } from './auth/token-expiry.ts'
import { createConcurrencyLimit } from './graphql/plugins/concurrency-limit.ts'
import { type Deadlines, createDeadlines } from '../shared/deadlines.ts'
import { type Handler, textResponse } from './handler.ts'
import { GRAPHQL_PATH } from './graphql/endpoint.ts'
import { type GraphiQLFiles, createGraphiQL } from './pages/graphiql-page.ts'
import { createGraphQLHandler } from './graphql/graphql-handler.ts'
import { type Readiness, createReadinessHandler, healthHandler } from './monitoring/health.ts'
import { createExecutedDocuments } from './graphql/plugins/document-cache.ts'
import { withAllowedHosts } from './middleware/allowed-hosts.ts'
import { createFastPath, type FastPath } from './graphql/fast-path/fast-path.ts'
import { type MetricsHandlerOptions, createMetricsHandler } from './monitoring/metrics.ts'
import { createRequestIdGenerator, withRequestId } from './middleware/request-id.ts'
import { createNotFoundHandler, createRouter, withErrorResponse } from './router.ts'
import { withSecurityHeaders } from './middleware/security-headers.ts'
import {
  type GraphQLWebSocketServer,
  createGraphQLWebSocketServer,
} from './graphql/websocket/websocket-server.ts'
import { TUS_EXPOSED_HEADERS, createTusHandler } from './tus/tus-handler.ts'
import { TUS_PATH, withTusVersion } from './tus/tus-request.ts'
import { createAccessLog } from './middleware/access-log.ts'
import { type WebhookOptions, createProcessWebhook } from './webhooks/process-webhook.ts'
import { OPERATION_TIMEOUT_MS } from './graphql/plugins/operation-timeout.ts'
import { WEBHOOK_PATH, createWebhookHandler } from './webhooks/webhook-handler.ts'
import { createFindDocument } from './graphql/plugins/persisted-queries.ts'
import type { TrustedDocuments } from './graphql/plugins/trusted-documents.ts'
import { createSubscriptionDocuments } from './graphql/plugins/subscription-documents.ts'
import { createGatewayYoga } from './graphql/yoga.ts'
import { createFederatedSchema } from '../graphql/federation.ts'
import { schema } from '../graphql/schema.ts'
import { runSyncLoop, runMeasuredSync } from '../uploads/sync/sync-loop.ts'
import type { Dependencies } from '../uploads/dependencies.ts'
import { createSynchronizer } from '../uploads/sync/synchronizer.ts'
import { type SyncReport } from '../uploads/ports/telemetry.ts'

export interface GatewayOptions extends WebhookOptions {
  readonly auth: AuthConfig
  /** Origins whose pages may use the gateway, such as `https://app.example.com`. */
  readonly allowedOrigins: readonly string[]
  /** False disables introspection and GraphiQL. */
  readonly introspection: boolean
  /** Whether the schema is that of a subgraph of Apollo Federation 2. */
  readonly federation: boolean
  /** The only documents that are executed; null to execute all. GraphiQL is disabled with them. */
  readonly trustedDocuments: TrustedDocuments | null
  /** Reads GraphiQL, see pages/graphiql-page.ts; null on hosts that do not serve it. */
  readonly graphiQL: (() => Promise<GraphiQLFiles>) | null
  /**
   * Allowed hosts while authentication is disabled, besides IP addresses and local names; null allows any.
   * See middleware/allowed-hosts.ts.
   */
  readonly allowedHosts: readonly string[] | null
  /** Whether browsers use TLS. */
  readonly https: boolean
  /** Checks of `/readyz`, besides the database. */
  readonly readiness: Readiness
  /** `/metrics`; null on hosts without metrics. */
  readonly metrics: MetricsHandlerOptions | null
  /** The console at `/`; null for none. */
  readonly console: Omit<ConsoleOptions, 'requiresToken'> | null
  /** Detects operations that time out. @default one timer for all */
  readonly deadlines?: Deadlines
  /** Ends connections whose token expires. @default one timer for all of a viewer */
  readonly tokenExpiry?: TokenExpiry
  /** Keeps work alive that many requests share. Only for hosts that cancel work when its request ends. */
  readonly keepAlive?: (work: Promise<unknown>) => void
}

export interface Gateway {
  /** Never rejects. */
  readonly fetch: Handler
  /** The GraphQL fast path in front of `fetch`, for hosts that read requests completely. */
  readonly fastPath: FastPath
  /** Returns the request id of a trusted proxy, or a new one. */
  readonly nextRequestId: (proxyId?: string | null) => string
  /** For responses that the host writes itself. */
  readonly hostResponses: HostResponses
  /** GraphQL over WebSocket, for hosts that support it. */
  readonly webSockets: GraphQLWebSocketServer
  /** Origins whose pages may open a WebSocket. */
  readonly allowedOrigins: ReadonlySet<string>
  /** Performs one sync run, for hosts with a scheduler. */
  readonly syncOnce: () => Promise<SyncReport>
  /** Synchronizes at an interval. Resolves when the gateway closes. */
  readonly runSyncLoop: () => Promise<void>
}

const INDEX_TEXT = `headgate: a GraphQL gateway for direct creator uploads to Cloudflare Stream.

/                 console in a browser: upload, watch, resume, play
/graphql          GraphQL over HTTP, SSE and WebSocket; GraphiQL in a browser
/tus              creation endpoint for tus clients
/webhooks/stream  webhooks from Cloudflare Stream
/healthz          liveness
/readyz           readiness
/metrics          metrics for Prometheus`

const metricsDisabledHandler: Handler = async () =>
  textResponse(404, 'Metrics are not available on this host.')

/** The caller owns the dependencies: it aborts `dependencies.closing` first, then closes them. */
export function createGateway(dependencies: Dependencies, options: GatewayOptions): Gateway {
  const { log } = dependencies
  const authenticator = createAuthenticator(
    options.auth,
    () => dependencies.clock.now(),
    log,
    options.keepAlive,
  )
  const { authenticate } = authenticator
  const origins = new Set(options.allowedOrigins)
  const concurrencyLimit = createConcurrencyLimit(dependencies.telemetry)
  const deadlines = options.deadlines ?? createDeadlines(dependencies, OPERATION_TIMEOUT_MS)
  const tokenExpiry = options.tokenExpiry ?? createTokenExpiry(dependencies)
  const documents = createExecutedDocuments()
  const { trustedDocuments } = options
  const findDocument = createFindDocument(trustedDocuments, dependencies.telemetry)
  const shared = {
    schema: options.federation ? createFederatedSchema(schema) : schema,
    trustedDocuments,
    concurrencyLimit,
    deadlines,
    documents,
    subscriptionDocuments: createSubscriptionDocuments(),
  }
  const yoga = createGatewayYoga(dependencies, { ...options, ...shared, findDocument })
  const requiresToken = options.auth.kind === 'jwt'
  const graphiQL =
    options.introspection && trustedDocuments === null && options.graphiQL !== null
      ? createGraphiQL(options.graphiQL, requiresToken)
      : null
  const graphiQLPage = graphiQL?.page ?? null
  const graphql = createGraphQLHandler(yoga, authenticate, { ...options, graphiQLPage })

  const console = options.console === null ? null : { ...options.console, requiresToken }

  const synchronizer = createSynchronizer({
    ...dependencies,
    stream: dependencies.backgroundStream,
  })
  const processWebhook = createProcessWebhook(dependencies, options)
  const accessLog = createAccessLog(dependencies)
  const endpoints: Readonly<Record<string, Handler>> = {
    '/': withReadableErrors(origins, log, createIndexHandler(INDEX_TEXT, console)),
    [GRAPHQL_PATH]: withCors(
      { origins, methods: 'GET, POST' },
      log,
      withErrorResponse(log, graphql),
    ),
    [TUS_PATH]: withCors(
      { origins, methods: 'POST', exposed: TUS_EXPOSED_HEADERS },
      log,
      withErrorResponse(log, createTusHandler(dependencies, authenticate)),
    ),
    [WEBHOOK_PATH]: withErrorResponse(log, createWebhookHandler(processWebhook, options)),
    '/healthz': healthHandler,
    '/readyz': createReadinessHandler(dependencies, options.readiness),
    '/metrics':
      options.metrics === null
        ? metricsDisabledHandler
        : withErrorResponse(log, createMetricsHandler(options.metrics)),
  }
  const { allowedHosts } = options
  const notFound = withReadableErrors(origins, log, createNotFoundHandler(Object.keys(endpoints)))
  const router = createRouter(endpoints, notFound, dependencies.telemetry, accessLog)
  const withPages = withConsoleAssets(console, graphiQL?.withFiles(router) ?? router)
  const withErrors = withErrorResponse(log, withPages)
  const guarded = allowedHosts === null ? withErrors : withAllowedHosts(allowedHosts, withErrors)
  const nextRequestId = createRequestIdGenerator()
  const fetch = withRequestId(nextRequestId, withSecurityHeaders(options, withTusVersion(guarded)))
  const responseHeaders = createResponseHeaders({ origins, https: options.https })
  const fastPath = createFastPath(dependencies, yoga, {
    ...shared,
    origins,
    allowedHosts,
    authenticator,
    tokenExpiry,
    responseHeaders,
    accessLog,
  })
  return {
    fetch,
    fastPath,
    nextRequestId,
    hostResponses: createHostResponses(
      new Set(Object.keys(endpoints)),
      responseHeaders,
      dependencies.telemetry,
      accessLog,
    ),
    webSockets: createGraphQLWebSocketServer(
      dependencies,
      yoga,
      authenticate,
      tokenExpiry,
      findDocument,
    ),
    allowedOrigins: origins,
    async syncOnce() {
      const report = await runMeasuredSync(dependencies, synchronizer)
      await synchronizer.idle()
      return report
    },
    runSyncLoop: () => runSyncLoop(dependencies, synchronizer),
  }
}
