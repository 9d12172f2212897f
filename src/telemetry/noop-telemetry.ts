/** Telemetry adapter that discards everything: for hosts without metrics, and for tests. */
import type { Telemetry } from '../uploads/ports/telemetry.ts'
import { noopTracing } from '../uploads/ports/tracing.ts'

const noop = (): void => undefined

export const noopTelemetry: Telemetry = {
  ...noopTracing,
  operationMeter: () => ({ done: noop }),
  responseSent: noop,
  requestRejected: noop,
  minted: noop,
  statusChanged: noop,
  webhookReceived: noop,
  syncCompleted: noop,
  streamCallCompleted: noop,
  callbackAttempted: noop,
  subscriptionOpened: () => noop,
  webSocketOpened: () => noop,
}
