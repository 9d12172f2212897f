/** Who may open a WebSocket, how many, and until when. */
import { countOne } from '../../../shared/ref-count.ts'
import type { Parts } from '../../../uploads/dependencies.ts'
import type { Viewer } from '../../../uploads/viewer.ts'
import { type Authenticate, isViewer } from '../../auth/authenticate.ts'
import type { SocketSink } from './connection-output.ts'

/** "Try again later", which clients do. https://www.iana.org/assignments/websocket */
export const TRY_AGAIN_LATER = 1013
/** "Forbidden", which is how a token that is not valid is answered, and one that lapses. */
export const FORBIDDEN = 4403

/** Open sockets of one caller: each of its tabs has one. */
export const MOST_SOCKETS = 100

/** An authenticated connection. */
export interface AuthenticatedConnection {
  readonly viewer: Viewer
  /** Whether its token has expired by now. */
  isExpired(): boolean
  /** Gives its place back; called once. */
  leave(): void
}

/** Authenticates; null where the connection is closed already, or to be closed as forbidden. */
export type Connect = (
  authorization: string | null,
  close: SocketSink['close'],
) => Promise<AuthenticatedConnection | null>

/** Returns what accepts callers; their tokens expire by this clock. */
export function createConnect(
  { clock }: Pick<Parts, 'clock'>,
  authenticate: Authenticate,
): Connect {
  const open = new Map<string, number>()

  /** Its client may come back with a new token; until then it would hold a place for nothing. */
  async function closeOnExpiry(
    { expiresAt }: Viewer,
    close: SocketSink['close'],
    over: AbortSignal,
  ): Promise<void> {
    if (expiresAt === null) return
    for (;;) {
      if (over.aborted) return
      const left = expiresAt.getTime() - clock.now().getTime()
      if (left <= 0) {
        close(FORBIDDEN, 'The token has lapsed.')
        return
      }
      await clock.wait(left, over)
    }
  }

  return async (authorization, close) => {
    const caller = await authenticate(authorization)
    if (!isViewer(caller)) {
      if (caller.kind === 'unavailable') close(TRY_AGAIN_LATER, caller.message)
      return null
    }
    if ((open.get(caller.subject) ?? 0) >= MOST_SOCKETS) {
      close(TRY_AGAIN_LATER, `One caller may have ${MOST_SOCKETS} sockets open.`)
      return null
    }
    const over = new AbortController()
    const leave = countOne(open, caller.subject)
    void closeOnExpiry(caller, close, over.signal)
    return {
      viewer: caller,
      isExpired: () => caller.expiresAt !== null && caller.expiresAt <= clock.now(),
      leave() {
        over.abort()
        leave()
      },
    }
  }
}
