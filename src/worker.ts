/** The door for Cloudflare Workers: requests, the minute's round, Stream's events by a queue; and the hub. */
import { waitUntil } from 'cloudflare:workers'
import { say } from './http/handler.ts'
import { GRAPHQL_PATH } from './http/graphql/endpoint.ts'
import { StoreUnavailable } from './uploads/ports/store-unavailable.ts'
import { carrySocket } from './worker/websocket-connection.ts'
import { readWorkerConfig } from './worker/config.ts'
import type { WorkerEnvironment } from './worker/environment.ts'
import { createWorkerLog } from './worker/logger.ts'
import { type WorkerGateway, openGateway } from './worker/open-gateway.ts'
import type { RequestContext } from './worker/runtime-types.ts'
import { type QueueBatch, takeQueue } from './worker/queue-consumer.ts'

export { Hub } from './worker/hub/hub.ts'

/** The isolate's; null until the first request, and again where it could not be opened. */
let opening: Promise<WorkerGateway | null> | null = null

/** Null where the configuration has mistakes: they are in the log. */
function open(environment: WorkerEnvironment): Promise<WorkerGateway | null> {
  if (opening !== null) return opening
  const outcome = readWorkerConfig(environment)
  if (outcome.kind === 'mistakes') {
    const log = createWorkerLog('warn')
    for (const mistake of outcome.mistakes) log.error({}, mistake)
    for (const warning of outcome.warnings) log.warn({}, warning)
    return (opening = Promise.resolve(null))
  }
  const log = createWorkerLog(outcome.config.logLevel)
  for (const warning of outcome.warnings) log.warn({}, warning)
  const begun = openGateway(outcome.config, log, waitUntil).catch((error: unknown) => {
    log.error({ err: error }, 'the gateway could not be opened; the next request tries again')
    if (opening === begun) opening = null
    throw error
  })
  opening = begun
  // Others may wait for it when whoever came first has gone.
  waitUntil(begun.catch(() => undefined))
  return begun
}

async function opened(environment: WorkerEnvironment): Promise<WorkerGateway> {
  const gateway = await open(environment)
  if (gateway === null) throw new Error('The gateway is not configured: see the lines before.')
  return gateway
}

async function answer(request: Request, environment: WorkerEnvironment): Promise<Response> {
  let gateway: WorkerGateway | null
  try {
    gateway = await open(environment)
  } catch (error) {
    return error instanceof StoreUnavailable
      ? say(503, 'The database does not answer: try again in a moment.', { 'retry-after': '1' })
      : say(500, 'The gateway cannot be opened: see its log.')
  }
  if (gateway === null) return say(500, 'The gateway is not configured: see its log.')
  const isUpgrade = request.headers.get('upgrade')?.toLowerCase() === 'websocket'
  if (isUpgrade && new URL(request.url).pathname === GRAPHQL_PATH) {
    return carrySocket(gateway.sockets, request)
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
    context: RequestContext,
  ): Promise<Response> {
    const answered = answer(request, environment)
    // What was begun is ended, though whoever asked for it has gone.
    context.waitUntil(answered.catch(() => undefined))
    return answered
  },

  async scheduled(_event: unknown, environment: WorkerEnvironment): Promise<void> {
    const { hub } = await opened(environment)
    await hub.round()
  },

  async queue(batch: QueueBatch, environment: WorkerEnvironment): Promise<void> {
    const { parts, accountId } = await opened(environment)
    await takeQueue(parts, batch, accountId)
  },
}
