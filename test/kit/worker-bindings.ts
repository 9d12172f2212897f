/**
 * Access from Node to the bindings of a gateway in workerd. (Miniflare's own access is synchronous, and
 * fails on a busy machine.)
 */
import type { Miniflare, WorkerOptions } from 'miniflare'
import { z } from 'zod'
import type { D1Database } from '../../src/store/d1/d1-client.ts'
import type { HubRpc } from '../../src/worker/hub-rpc.ts'
import type { DurableObjectNamespace, WebSocketResponse } from '../../src/worker/runtime-types.ts'
import { BRIDGE, bridgeTo } from './d1-bridge.ts'

export interface WorkerBindings {
  readonly database: D1Database
  /** The namespace HUB. */
  readonly hubs: DurableObjectNamespace<HubRpc>
  /** The queue of Stream events. */
  readonly queue: { send(body: unknown): Promise<void> }
  /** Runs the cron trigger and returns its outcome. */
  scheduled(): Promise<string>
}

/** Names in Miniflare's options. */
export interface BoundNames {
  readonly gateway: string
  readonly database: string
  readonly hubClass: string
  readonly queue: string
}

/** Calls `method` of a binding with `args`; a request to `/listen` opens a WebSocket of the hub in `x-hub`. */
const CALLS = `export default {
  async fetch(request, { GATEWAY, EVENTS, HUB }) {
    const hub = (name) => HUB.get(HUB.idFromName(name))
    if (request.headers.has('upgrade')) return hub(request.headers.get('x-hub')).fetch(request)
    const { target, method, args } = await request.json()
    const bindings = { GATEWAY, EVENTS }
    try {
      return Response.json({ result: await (bindings[target] ?? hub(target))[method](...args) })
    } catch (error) {
      return Response.json({ message: error.message }, { status: 500 })
    }
  },
}`

/** The Workers that `openBindings` sends requests to. */
export function workersOfBindings(names: BoundNames): WorkerOptions[] {
  const compatibilityDate = '2026-03-01'
  return [
    {
      name: 'database',
      modules: true,
      script: BRIDGE,
      compatibilityDate,
      d1Databases: { DB: names.database },
      routes: ['database.test/*'],
    },
    {
      name: 'calls',
      modules: true,
      script: CALLS,
      compatibilityDate,
      compatibilityFlags: ['service_binding_extra_handlers'],
      serviceBindings: { GATEWAY: names.gateway },
      queueProducers: { EVENTS: names.queue },
      durableObjects: { HUB: { className: names.hubClass, scriptName: names.gateway } },
      routes: ['calls.test/*'],
    },
  ]
}

/** @param dispatch `dispatchFetch` of the Miniflare with `workersOfBindings` */
export function openBindings(dispatch: Miniflare['dispatchFetch']): WorkerBindings {
  async function call(target: string, method: string, ...args: readonly unknown[]) {
    const body = JSON.stringify({ target, method, args })
    const response = await dispatch('http://calls.test/', { method: 'POST', body })
    const outcome = z
      .object({ result: z.unknown().optional(), message: z.string().optional() })
      .parse(await response.json())
    if (outcome.message !== undefined) throw new Error(outcome.message)
    return outcome.result
  }

  return {
    database: bridgeTo('DB', (body) => dispatch('http://database.test/', { method: 'POST', body })),
    hubs: {
      idFromName: (name) => new HubId(name),
      get(id) {
        const { name } = z.instanceof(HubId).parse(id)
        return {
          publish: async (changes) => void (await call(name, 'publish', changes)),
          recordView: async (uid) => void (await call(name, 'recordView', uid)),
          runSync: async () => syncReport.parse(await call(name, 'runSync')),
          consume: async (key, windows) =>
            consumption.parse(await call(name, 'consume', key, windows)),
          giveBack: async (key, at) => void (await call(name, 'giveBack', key, at)),
          block: async (key, milliseconds) => void (await call(name, 'block', key, milliseconds)),
          countConsumed: async (key, windowMs) =>
            z.number().parse(await call(name, 'countConsumed', key, windowMs)),
          async fetch({ url }) {
            const { pathname, search } = new URL(url)
            const response = await dispatch(`http://calls.test${pathname}${search}`, {
              headers: { upgrade: 'websocket', 'x-hub': name },
            })
            return z.custom<WebSocketResponse>().parse(response)
          },
        }
      },
    },
    queue: { send: async (body) => void (await call('EVENTS', 'send', body)) },
    async scheduled() {
      const outcome = await call('GATEWAY', 'scheduled', { cron: '* * * * *' })
      return z.object({ outcome: z.string() }).parse(outcome).outcome
    },
  }
}

/** The id of a hub in Node. */
class HubId {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
}

const syncReport = z.object({
  polled: z.number(),
  changed: z.number(),
  orphansDeleted: z.number(),
})
const consumption = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('consumed'), at: z.number() }),
  z.object({ kind: z.literal('rejected'), retryAfterSeconds: z.number() }),
])
