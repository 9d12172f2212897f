/** Counts HTTP responses and open connections. Plain numbers until a scrape: it is a hot path. */
import { Counter, Gauge, type Registry } from 'prom-client'
import type { Telemetry, SubscriptionTransport } from '../../uploads/ports/telemetry.ts'

/** Route label of unknown paths. */
const NO_ROUTE = 'none'

/** Methods with their own label; clients may send any method. */
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'OPTIONS'])

/** Returns a function that counts one response; its route is null for an unknown path. */
export function createResponseMetrics(
  registry: Registry,
): (route: string | null, method: string, status: number) => void {
  /** By route, method and status. */
  const counts = new Map<string, Map<string, Map<number, number>>>()

  const responses = new Counter({
    name: 'headgate_http_responses_total',
    help: 'HTTP responses, by route, method and status code.',
    labelNames: ['route', 'method', 'code'],
    registers: [],
    collect() {
      this.reset()
      for (const [route, methods] of counts) {
        for (const [method, codes] of methods) {
          for (const [code, count] of codes) this.inc({ route, method, code }, count)
        }
      }
    },
  })
  registry.registerMetric(responses)

  function codesOf(route: string, method: string): Map<number, number> {
    const known = counts.get(route)?.get(method)
    if (known !== undefined) return known
    const codes = new Map<number, number>()
    const methods = counts.get(route) ?? new Map<string, Map<number, number>>()
    counts.set(route, methods.set(method, codes))
    return codes
  }

  return (route, method, status) => {
    const codes = codesOf(route ?? NO_ROUTE, METHODS.has(method) ? method : 'other')
    codes.set(status, (codes.get(status) ?? 0) + 1)
  }
}

export function createConnectionMetrics(
  registry: Registry,
): Pick<Telemetry, 'subscriptionOpened' | 'webSocketOpened'> {
  const registers = [registry]
  const subscriptions = new Gauge({
    name: 'headgate_subscriptions',
    help: 'Open subscriptions, by transport.',
    labelNames: ['transport'],
    registers,
  })
  const transports: Readonly<Record<SubscriptionTransport, Gauge.Internal<'transport'>>> = {
    sse: subscriptions.labels({ transport: 'sse' }),
    websocket: subscriptions.labels({ transport: 'websocket' }),
  }
  for (const count of Object.values(transports)) count.set(0)
  const sockets = new Gauge({
    name: 'headgate_websocket_connections',
    help: 'Open WebSocket connections.',
    registers,
  })
  return {
    subscriptionOpened: (transport) => countOpen(transports[transport]),
    webSocketOpened: () => countOpen(sockets),
  }
}

/** Increments the gauge; the returned function decrements it once, even if called again. */
function countOpen(gauge: { readonly inc: () => void; readonly dec: () => void }): () => void {
  let open = true
  gauge.inc()
  return () => {
    if (open) gauge.dec()
    open = false
  }
}
