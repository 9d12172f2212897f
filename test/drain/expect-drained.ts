/** Expected result of a round. */
import { expect } from 'vitest'
import { MUTATIONS, type Round } from './round.ts'

/** An orchestrator kills after 30 s; Stream responds after one second. */
const DEADLINE_MS = 10_000

/** Compared with a `Round`. */
export const drained: Readonly<Record<keyof Round, unknown>> = {
  completed: MUTATIONS,
  announcedClose: MUTATIONS,
  completedOverSocket: true,
  readiness: {
    status: 503,
    connection: 'close',
    body: expect.stringContaining('draining'),
  },
  // Ends with the reconnect delay in milliseconds and a comment for readers, without the `complete` event.
  // https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
  events: expect.stringMatching(/\nretry: ?1000\n:[^\n]*reconnect\n\n$/),
  // graphql-ws clients reconnect and subscribe again after this code. They would not after `complete`.
  // https://www.iana.org/assignments/websocket
  close: { code: 1012, reason: 'The gateway restarts. Reconnect.' },
  receivedComplete: false,
  exitCode: 0,
  durationMs: expect.toSatisfy((ms: number) => ms < DEADLINE_MS, `less than ${DEADLINE_MS}`),
  orphans: 0,
  withoutOutcome: 0,
  leftWal: false,
  integrity: 'ok',
}
