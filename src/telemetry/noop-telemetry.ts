/** Telemetry that goes nowhere: for hosts that collect none, and for tests of something else. */
import type { Telemetry } from '../uploads/ports/telemetry.ts'
import { noTraces } from '../uploads/ports/tracing.ts'

const nothing = (): void => undefined

export const silentTelemetry: Telemetry = {
  ...noTraces,
  operation: (_kind, name) => ({ name: name ?? 'anonymous', done: nothing }),
  answered: nothing,
  refused: nothing,
  minted: nothing,
  moved: nothing,
  noticeArrived: nothing,
  synchronised: nothing,
  streamAnswered: nothing,
  subscribed: () => nothing,
  socketOpened: () => nothing,
}
