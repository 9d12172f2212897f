/** Counts WebSockets while they are open, and those that were not let in. */
import type { RefusalReason, Telemetry } from '../telemetry/telemetry.ts'
import type { SocketOptions } from './socket.ts'

/** A door of its own, in what is counted: HTTP has no status for what comes to pass on a socket. */
const DOOR = 'websocket'

/** Why a socket that nobody was let in by was closed, by the code of its closing: see socket.ts. */
const REASONS: ReadonlyMap<number | undefined, RefusalReason> = new Map([
  [4403, 'unauthenticated'],
  [1013, 'crowded'],
])

/** The same options, with each socket counted. */
export function withSocketTelemetry(
  telemetry: Pick<Telemetry, 'socketOpened' | 'refused'>,
  options: SocketOptions,
): SocketOptions {
  /** What to call when it closes, by what graphql-ws keeps of each that was let in. */
  const open = new WeakMap<object, () => void>()
  return {
    ...options,
    async onConnect(context) {
      const welcome = await options.onConnect?.(context)
      if (welcome !== false) open.set(context.extra, telemetry.socketOpened())
      return welcome
    },
    async onClose(context, code, reason) {
      const closed = open.get(context.extra)
      closed?.()
      const refusal = REASONS.get(code)
      if (closed === undefined && refusal !== undefined) telemetry.refused(DOOR, refusal)
      await options.onClose?.(context, code, reason)
    },
  }
}
