/** Entry of the Cloudflare Worker: HTTP requests, the sync cron trigger, the queue of Stream events, and the hub. */
import { waitUntil } from 'cloudflare:workers'
import { endpointPath } from './http/endpoint-path.ts'
import { textResponse } from './http/handler.ts'
import { GRAPHQL_PATH } from './http/graphql/endpoint.ts'
import { StoreUnavailable } from './uploads/ports/store-unavailable.ts'
import { acceptWebSocket } from './worker/websocket-connection.ts'
import { readWorkerConfig } from './worker/config.ts'
import type { WorkerEnvironment } from './worker/environment.ts'
import { createWorkerLogger } from './worker/logger.ts'
import { type WorkerGateway, openGateway } from './worker/open-gateway.ts'
import type { ExecutionContext } from './worker/runtime-types.ts'
import { type MessageBatch, consumeQueue } from './worker/queue-consumer.ts'

export { Hub } from './worker/hub/hub.ts'

/** The isolate's gateway; null until the first request, and again after it failed to start. */
let opening: Promise<WorkerGateway | null> | null = null

/** Resolves with null if the configuration has errors, which are logged. */
function open(environment: WorkerEnvironment): Promise<WorkerGateway | null> {
  if (opening !== null) return opening
  const outcome = readWorkerConfig(environment)
  if (outcome.kind === 'errors') {
    const log = createWorkerLogger('warn')
    for (const message of outcome.errors) log.error({}, message)
    for (const warning of outcome.warnings) log.warn({}, warning)
    return (opening = Promise.resolve(null))
  }
  const log = createWorkerLogger(outcome.config.logLevel)
  for (const warning of outcome.warnings) log.warn({}, warning)
  const started = openGateway(outcome.config, log, waitUntil).catch((error: unknown) => {
    log.error({ err: error }, 'starting the gateway failed; retried on the next request')
    if (opening === started) opening = null
    throw error
  })
  opening = started
  // Other requests wait for it even after the first one has ended.
  waitUntil(started.catch(() => undefined))
  return started
}

async function requireGateway(environment: WorkerEnvironment): Promise<WorkerGateway> {
  const gateway = await open(environment)
  if (gateway === null) throw new Error('The configuration is invalid. See the log lines before.')
  return gateway
}

async function handleRequest(request: Request, environment: WorkerEnvironment): Promise<Response> {
  let gateway: WorkerGateway | null
  try {
    gateway = await open(environment)
  } catch (error) {
    return error instanceof StoreUnavailable
      ? textResponse(503, 'The database is unavailable. Retry.', {
          'retry-after': '1',
        })
      : textResponse(500, 'The gateway cannot start. See its log.')
  }
  if (gateway === null)
    return textResponse(500, 'The configuration of the gateway is invalid. See its log.')
  const isUpgrade = request.headers.get('upgrade')?.toLowerCase() === 'websocket'
  if (isUpgrade && endpointPath(new URL(request.url).pathname) === GRAPHQL_PATH) {
    return acceptWebSocket(gateway.sockets, request)
  }
  return gateway.gateway.fetch(request, {
    address: request.headers.get('cf-connecting-ip'),
    requestId: request.headers.get('cf-ray') ?? undefined,
  })
}

export default {
  fetch(
    request: Request,
    environment: WorkerEnvironment,
    context: ExecutionContext,
  ): Promise<Response> {
    const response = handleRequest(request, environment)
    // The request is completed even if the client disconnects.
    context.waitUntil(response.catch(() => undefined))
    return response
  },

  async scheduled(_event: unknown, environment: WorkerEnvironment): Promise<void> {
    const { hub } = await requireGateway(environment)
    await hub.runSync()
  },

  async queue(batch: MessageBatch, environment: WorkerEnvironment): Promise<void> {
    const { dependencies, accountId } = await requireGateway(environment)
    await consumeQueue(dependencies, batch, accountId)
  },
}
