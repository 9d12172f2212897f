/** What Node tells of its process: memory, processor, garbage, and how late its event loop runs. */
import { Registry, collectDefaultMetrics } from 'prom-client'

/** One a process, however many gateways run in it: each set has timers and observers of its own. */
let only: Registry | null = null

export function processMetrics(): Registry {
  if (only === null) {
    only = new Registry()
    collectDefaultMetrics({ register: only })
  }
  return only
}
