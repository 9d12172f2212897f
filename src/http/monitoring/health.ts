/** `/healthz` (liveness) and `/readyz` (readiness), for orchestrators. */
import { StoreUnavailable } from '../../uploads/ports/store-unavailable.ts'
import type { Dependencies } from '../../uploads/dependencies.ts'
import { type Handler, methodNotAllowed } from '../handler.ts'

/** Readiness checks that the host provides. */
export interface Readiness {
  /**
   * Returns why Stream is unavailable, as a message for the operator; null if it responded lately. Called
   * with every probe, so the host must cache the result.
   */
  readonly streamUnavailable: () => Promise<string | null>
  /** Returns why all other requests are rejected, or null. Hosts without load shedding leave it out. */
  readonly overload?: () => string | null
}

type ReadyDependencies = Pick<Dependencies, 'store' | 'closing' | 'log'>

const READS = ['GET', 'HEAD']

/** Responds 200 while the process runs. */
export const healthHandler: Handler = async (request) =>
  isRead(request) ? respond(request, 200, { status: 'alive' }) : methodNotAllowed(READS)

/** Responds 200 if the gateway is ready, else 503 with all reasons. */
export function createReadinessHandler(
  dependencies: ReadyDependencies,
  readiness: Readiness,
): Handler {
  const { closing } = dependencies
  return async (request) => {
    if (!isRead(request)) return methodNotAllowed(READS)
    const reasons: string[] = []
    if (closing.aborted) reasons.push('The gateway is draining and will stop.')
    const overload = readiness.overload?.() ?? null
    if (overload !== null) reasons.push(overload)
    const unavailable = await Promise.all([
      databaseUnavailable(dependencies),
      readStreamUnavailable(dependencies, readiness),
    ])
    reasons.push(...unavailable.filter((reason) => reason !== null))
    return reasons.length === 0
      ? respond(request, 200, { status: 'ready' })
      : respond(request, 503, { status: 'not ready', reasons })
  }
}

/** Omits the body for HEAD. https://www.rfc-editor.org/rfc/rfc9110#section-9.3.2 */
function respond({ method }: Request, status: number, body: object): Response {
  const content = method === 'HEAD' ? null : JSON.stringify(body)
  return new Response(content, { status, headers: { 'content-type': 'application/json' } })
}

/** Only pings: migrations are applied when the database is opened. */
async function databaseUnavailable({ store, log }: ReadyDependencies): Promise<string | null> {
  try {
    await store.ping()
    return null
  } catch (error) {
    log.error({ err: error }, 'database unavailable')
    if (error instanceof StoreUnavailable && error.reason !== null) return error.reason
    return 'The database is unavailable. See the log, and check DATABASE_URL.'
  }
}

async function readStreamUnavailable(
  { log }: ReadyDependencies,
  readiness: Readiness,
): Promise<string | null> {
  try {
    return await readiness.streamUnavailable()
  } catch (error) {
    log.error({ err: error }, 'reading Stream availability failed')
    return 'Reading the availability of Cloudflare Stream failed. See the log.'
  }
}

function isRead({ method }: Request): boolean {
  return READS.includes(method)
}
