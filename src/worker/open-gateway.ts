/** A gateway for one isolate: made with its first request, and used by all that follow. */
import { realClock } from '../shared/clock.ts'
import { createHubEvents } from '../pubsub/durable-object-pubsub.ts'
import { type Gateway, createGateway } from '../http/gateway.ts'
import { MOST_MILLISECONDS } from '../http/graphql/plugins/operation-timeout.ts'
import type { Log, Parts } from '../uploads/dependencies.ts'
import type { SocketCarrier } from './websocket-connection.ts'
import type { WorkerConfig } from './config.ts'
import type { HubCalls } from './hub-rpc.ts'
import { createHubLine } from './hub/hub-client.ts'
import { type OpenedParts, openParts } from './dependencies.ts'
import { createTimers } from './timers.ts'
import { createHubWatchers } from './hub/hub-watch-registry.ts'

export interface WorkerGateway {
  readonly gateway: Gateway
  readonly parts: Parts
  readonly hub: Pick<HubCalls, 'round'>
  readonly sockets: SocketCarrier
  /** Null with the binding alone, which does not tell it. */
  readonly accountId: string | null
}

/** @param keepAlive has the request that runs wait for work that nobody else waits for */
export async function openGateway(
  config: WorkerConfig,
  log: Log,
  keepAlive: (work: Promise<unknown>) => void,
): Promise<WorkerGateway> {
  const hub = createHubLine(config.hub, realClock)
  const events = createHubEvents({
    hub,
    keepAlive,
    failed: (error) => log.error({ err: error }, 'the hub was not told of changes'),
  })
  const watchers = createHubWatchers((uid) =>
    keepAlive(
      hub.glance(uid).catch((error: unknown) => {
        log.warn({ err: error }, 'the hub was not told who looks')
      }),
    ),
  )
  const opened = await openParts(config, { events, allowances: hub, watchers, log })
  const { parts } = opened
  const gateway = createGateway(parts, {
    auth: config.auth,
    allowedOrigins: [
      ...(config.publicURL === null ? [] : [config.publicURL]),
      ...config.allowedOrigins,
    ],
    introspection: config.introspection,
    graphiQL: null,
    knownHosts: knownHosts(config),
    https: config.publicURL?.startsWith('https:') ?? true,
    webhookSecrets: () => config.webhookSecrets,
    readiness: { streamAway: async () => streamAway(opened, keepAlive) },
    metrics: null,
    console: null,
    deadlines: createTimers(MOST_MILLISECONDS),
    keepAlive,
  })
  const { sockets, allowedOrigins } = gateway
  return {
    gateway,
    parts,
    hub,
    accountId: config.account?.accountId ?? null,
    sockets: {
      door: sockets,
      allowedOrigins,
      knownHosts: knownHosts(config),
      log,
      keepAlive,
    },
  }
}

/** Where everybody is an administrator, a page of any name must not be able to come by it. */
function knownHosts({ auth, publicURL }: WorkerConfig): readonly string[] | null {
  if (auth.kind !== 'open') return null
  return publicURL === null ? [] : [new URL(publicURL).hostname]
}

/** Of what this isolate has seen; Stream itself is asked seldom, and nobody waits for that. */
function streamAway(
  { reach, parts }: OpenedParts,
  keepAlive: (work: Promise<unknown>) => void,
): string | null {
  keepAlive(reach.probe(parts.backgroundStream))
  const { isAway, failingSince } = reach.lately()
  return isAway && failingSince !== null
    ? `Cloudflare Stream has answered nothing of use since ${failingSince.toISOString()}: see the log.`
    : null
}
