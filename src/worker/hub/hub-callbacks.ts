/** Delivers callbacks in the hub, in the background of its alarm: a slow target must not hold up sync. */
import { createCallbackDispatcher } from '../../callbacks/dispatcher.ts'
import { createCallbackSigner } from '../../callbacks/signature.ts'
import { sendByHttp } from '../../callbacks/send-by-http.ts'
import { MAX_RESPONSE_BYTES } from '../../callbacks/transport.ts'
import type { CallbackConfig } from '../../config/callbacks.ts'
import { createFetchTransport } from '../../stream/rest/fetch-transport.ts'
import type { Dependencies } from '../../uploads/dependencies.ts'

/**
 * Callbacks in flight to one target. Workers open at most six connections at a time.
 * https://developers.cloudflare.com/workers/platform/limits/#simultaneous-open-connections
 */
const MAX_IN_FLIGHT = 4
/** Callbacks to one target per alarm, because an invocation may make a limited number of subrequests. */
const CALLBACKS_PER_ALARM = 100
/** Shortest time in milliseconds between two alarms for callbacks that wait. */
const MIN_INTERVAL_MS = 1000

export interface HubCallbacks {
  /** Starts to deliver what is due, and schedules the next alarm when that has ended. */
  deliver(): void
}

/** @param schedule sets the alarm for this time, in milliseconds since 1970, unless it is set for an earlier one */
export function createHubCallbacks(
  config: CallbackConfig | null,
  { clock, log, telemetry, store, closing }: Dependencies,
  schedule: (at: number) => Promise<void>,
): HubCallbacks | null {
  if (config === null) return null
  const dispatcher = createCallbackDispatcher({
    targets: config.targets,
    store: store.callbacks,
    send: sendByHttp(createFetchTransport(undefined, MAX_RESPONSE_BYTES)),
    sign: createCallbackSigner(config.secrets),
    clock,
    log,
    telemetry,
    maxInFlight: MAX_IN_FLIGHT,
    random: Math.random,
    closing,
  })

  async function scheduleNext(): Promise<void> {
    const next = await dispatcher.nextRunAt()
    if (next !== null) await schedule(Math.max(next.getTime(), Date.now() + MIN_INTERVAL_MS))
  }

  async function deliverAndSchedule(): Promise<void> {
    // If the hub is stopped meanwhile, the alarm comes when its claims end.
    await Promise.all([dispatcher.deliverDue(CALLBACKS_PER_ALARM), scheduleNext()])
    await scheduleNext()
  }

  return {
    deliver() {
      deliverAndSchedule().catch((error: unknown) => {
        log.error({ err: error }, 'delivering callbacks failed; retried')
      })
    },
  }
}
