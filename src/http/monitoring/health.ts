/** The doors that tell an orchestrator whether the gateway lives, and whether it can work. */
import { StoreUnavailable } from '../../uploads/ports/store-unavailable.ts'
import type { Parts } from '../../uploads/dependencies.ts'
import { type Door, methodNotAllowed } from '../handler.ts'

/** What the door cannot see for itself. */
export interface Readiness {
  /**
   * Why no upload could be minted at Stream right now, in a sentence that an operator can act on;
   * null where it answered lately. Asked with each probe, and so remembered by whoever answers.
   */
  readonly streamAway: () => Promise<string | null>
  /** Why every other request is rejected right now; null where they are served. Left out by hosts that reject none. */
  readonly overload?: () => string | null
}

type ReadyParts = Pick<Parts, 'store' | 'closing' | 'log'>

const READS = ['GET', 'HEAD']

/** 200 as long as the process answers. */
export const healthDoor: Door = async (request) =>
  isRead(request) ? answer(request, 200, { status: 'alive' }) : methodNotAllowed(READS)

/** 200 where the gateway can do its work; else 503 with every reason why it cannot. */
export function createReadyDoor(parts: ReadyParts, readiness: Readiness): Door {
  const { closing } = parts
  return async (request) => {
    if (!isRead(request)) return methodNotAllowed(READS)
    const reasons: string[] = []
    if (closing.aborted) reasons.push('The gateway is draining: it will stop.')
    const overload = readiness.overload?.() ?? null
    if (overload !== null) reasons.push(overload)
    const away = await Promise.all([databaseAway(parts), streamAway(parts, readiness)])
    reasons.push(...away.filter((reason) => reason !== null))
    return reasons.length === 0
      ? answer(request, 200, { status: 'ready' })
      : answer(request, 503, { status: 'not ready', reasons })
  }
}

/** An answer to GET, its headers alone to HEAD. https://www.rfc-editor.org/rfc/rfc9110#section-9.3.2 */
function answer({ method }: Request, status: number, body: object): Response {
  const shown = method === 'HEAD' ? null : JSON.stringify(body)
  return new Response(shown, { status, headers: { 'content-type': 'application/json' } })
}

/** It was migrated when it was opened. */
async function databaseAway({ store, log }: ReadyParts): Promise<string | null> {
  try {
    await store.ping()
    return null
  } catch (error) {
    log.error({ err: error }, 'database not reachable')
    if (error instanceof StoreUnavailable && error.reason !== null) return error.reason
    return 'The database cannot be reached: see the log, and what DATABASE_URL names.'
  }
}

async function streamAway({ log }: ReadyParts, readiness: Readiness): Promise<string | null> {
  try {
    return await readiness.streamAway()
  } catch (error) {
    log.error({ err: error }, 'nobody knows whether Stream answers')
    return 'Nobody knows whether Cloudflare Stream answers: see the log.'
  }
}

function isRead({ method }: Request): boolean {
  return READS.includes(method)
}
