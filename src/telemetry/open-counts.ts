/** Counts what is open right now: subscriptions and sockets. */
import { Gauge, type Registry } from 'prom-client'
import type { SubscriptionTransport, Telemetry } from '../uploads/ports/telemetry.ts'

export function createOpenCounts(
  registry: Registry,
): Pick<Telemetry, 'subscribed' | 'socketOpened'> {
  const registers = [registry]
  const subscriptions = new Gauge({
    name: 'headgate_subscriptions',
    help: 'Subscriptions that are open.',
    labelNames: ['transport'],
    registers,
  })
  const transports: Readonly<Record<SubscriptionTransport, Gauge.Internal<'transport'>>> = {
    sse: subscriptions.labels({ transport: 'sse' }),
    websocket: subscriptions.labels({ transport: 'websocket' }),
  }
  for (const count of Object.values(transports)) count.set(0)
  const sockets = new Gauge({
    name: 'headgate_sockets',
    help: 'WebSockets that are open.',
    registers,
  })
  return {
    subscribed: (transport) => countIn(transports[transport]),
    socketOpened: () => countIn(sockets),
  }
}

/** What comes back counts once, however often it is called. */
function countIn(gauge: { readonly inc: () => void; readonly dec: () => void }): () => void {
  let open = true
  gauge.inc()
  return () => {
    if (open) gauge.dec()
    open = false
  }
}
