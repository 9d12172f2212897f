/** What a round must have come to. */
import { expect } from 'vitest'
import { MUTATIONS, type Round } from './round.ts'

/** An orchestrator waits 30 s before it kills; Stream has answered after one. */
const DEADLINE_MS = 10_000

/** To be compared with a `Round`. */
export const drained: Readonly<Record<keyof Round, unknown>> = {
  answered: MUTATIONS,
  saidClose: MUTATIONS,
  answeredOverSocket: true,
  readiness: {
    status: 503,
    connection: 'close',
    body: expect.stringContaining('draining'),
  },
  // When to come back, in milliseconds, then a word for people, then the end as the protocol has it.
  // https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
  events: expect.stringMatching(/\nretry: ?1000\n:[^\n]*reconnect\n[^]*\nevent: complete\n/),
  // Clients of graphql-ws come back after this code, and subscribe again; `complete` they would
  // take for the end. https://www.iana.org/assignments/websocket
  close: { code: 1012, reason: 'The gateway restarts. Reconnect.' },
  saidComplete: false,
  exitCode: 0,
  tookMs: expect.toSatisfy((ms: number) => ms < DEADLINE_MS, `less than ${DEADLINE_MS}`),
  orphans: 0,
  unsettled: 0,
  leftLog: false,
  integrity: 'ok',
}
