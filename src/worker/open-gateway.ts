/** Opens the gateway of one isolate, with its first request. */
import { systemClock } from '../shared/clock.ts'
import { streamSources } from '../http/pages/console-sources.ts'
import { createHubPubSub } from '../pubsub/durable-object-pubsub.ts'
import { allowedHosts } from '../config/base-config.ts'
import { unavailableReason } from '../stream/decorators/with-availability.ts'
import { type Gateway, createGateway } from '../http/gateway.ts'
import { OPERATION_TIMEOUT_MS } from '../http/graphql/plugins/operation-timeout.ts'
import type { Dependencies } from '../uploads/dependencies.ts'
import type { Logger } from '../shared/logger.ts'
import { readAsset } from './assets.ts'
import { loadTrustedDocuments } from './trusted-documents.ts'
import type { WebSocketHost } from './websocket-connection.ts'
import type { WorkerConfig } from './config.ts'
import type { HubRpc } from './hub-rpc.ts'
import { createHubClient } from './hub/hub-client.ts'
import { type OpenedDependencies, openDependencies } from './dependencies.ts'
import { createPerRequestDeadlines, createPerRequestTokenExpiry } from './request-scoped.ts'
import { createHubWatchRegistry } from './hub/hub-watch-registry.ts'

export interface WorkerGateway {
  readonly gateway: Gateway
  readonly dependencies: Dependencies
  readonly hub: Pick<HubRpc, 'runSync'>
  readonly sockets: WebSocketHost
  /** Null with the binding alone, which has no account id. */
  readonly accountId: string | null
}

/** @param keepAlive extends the current request until background work settles */
export async function openGateway(
  config: WorkerConfig,
  log: Logger,
  keepAlive: (work: Promise<unknown>) => void,
): Promise<WorkerGateway> {
  const hub = createHubClient(config.hub, systemClock)
  const pubsub = createHubPubSub({
    hub,
    keepAlive,
    failed: (error) => log.error({ err: error }, 'publishing changes to the hub failed'),
  })
  const watchRegistry = createHubWatchRegistry((uid) =>
    keepAlive(
      hub.recordView(uid).catch((error: unknown) => {
        log.warn({ err: error }, 'reporting views to the hub failed')
      }),
    ),
  )
  const opened = await openDependencies(config, { pubsub, rateLimiter: hub, watchRegistry, log })
  const { dependencies } = opened
  const { account, assets, trustedDocumentsPath } = config
  const gateway = createGateway(dependencies, {
    auth: config.auth,
    allowedOrigins: [
      ...(config.publicURL === null ? [] : [config.publicURL]),
      ...config.allowedOrigins,
    ],
    introspection: config.introspection,
    federation: config.federation,
    graphiQL: null,
    trustedDocuments:
      assets === null || trustedDocumentsPath === null
        ? null
        : await loadTrustedDocuments(assets, trustedDocumentsPath, config.introspection),
    allowedHosts: allowedHosts(config),
    https: config.publicURL?.startsWith('https:') ?? true,
    webhookSecrets: () => config.webhookSecrets,
    readiness: { streamUnavailable: async () => streamUnavailableReason(opened, keepAlive) },
    metrics: null,
    console:
      assets === null
        ? null
        : { read: (name) => readAsset(assets, name), ...streamSources(account?.baseURL ?? null) },
    deadlines: createPerRequestDeadlines(OPERATION_TIMEOUT_MS),
    tokenExpiry: createPerRequestTokenExpiry(dependencies.clock),
    keepAlive,
  })
  const { webSockets, allowedOrigins } = gateway
  return {
    gateway,
    dependencies,
    hub,
    accountId: account?.accountId ?? null,
    sockets: {
      server: webSockets,
      allowedOrigins,
      allowedHosts: allowedHosts(config),
      log,
      keepAlive,
    },
  }
}

/** Reports what this isolate observed. A probe runs rarely and in the background. */
function streamUnavailableReason(
  { availability, dependencies }: OpenedDependencies,
  keepAlive: (work: Promise<unknown>) => void,
): string | null {
  keepAlive(availability.probe(dependencies.backgroundStream))
  return unavailableReason(availability.current(), 'the log')
}
