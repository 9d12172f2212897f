/** The doors that tell an orchestrator whether the gateway lives, and whether it can work. */
import type { Parts } from '../uploads/parts.ts'
import { type Door, methodNotAllowed } from './door.ts'

/** 200 as long as the process answers. */
export const healthDoor: Door = async (request) =>
  isRead(request) ? Response.json({ status: 'alive' }) : methodNotAllowed(['GET', 'HEAD'])

/** 200 where the database answers and the gateway is not draining; else 503 with the reasons. */
export function createReadyDoor({ store, closing, log }: Parts): Door {
  return async (request) => {
    if (!isRead(request)) return methodNotAllowed(['GET', 'HEAD'])
    const reasons: string[] = []
    if (closing.aborted) reasons.push('The gateway is draining.')
    try {
      await store.ping()
    } catch (error) {
      log.error({ err: error }, 'database not reachable')
      reasons.push('The database cannot be reached.')
    }
    const ready = reasons.length === 0
    return Response.json(ready ? { status: 'ready' } : { status: 'not ready', reasons }, {
      status: ready ? 200 : 503,
    })
  }
}

function isRead(request: Request): boolean {
  return request.method === 'GET' || request.method === 'HEAD'
}
