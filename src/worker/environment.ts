/** Environment of the Worker: bindings, variables and secrets. */
import { knownVariables } from '../config/known-variables.ts'
import type { D1Database } from '../store/d1/d1-client.ts'
import type { StreamBinding } from '../stream/binding/binding-types.ts'
import type { AssetsBinding } from './assets.ts'
import type { HubRpc } from './hub-rpc.ts'
import type { DurableObjectNamespace } from './runtime-types.ts'

/** Every binding is optional, because a deployment may lack it; the configuration validates them. */
export interface WorkerEnvironment {
  readonly DB?: D1Database
  readonly HUB?: DurableObjectNamespace<HubRpc>
  readonly STREAM?: StreamBinding
  readonly ASSETS?: AssetsBinding
  readonly [variable: string]: unknown
}

/** Returns variables and secrets as text; `vars` may also hold JSON numbers and booleans. */
export function textVariables(environment: WorkerEnvironment): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) =>
      ['string', 'number', 'boolean'].includes(typeof value) ? [[name, String(value)]] : [],
    ),
  )
}

/** Returns the names of known variables that hold JSON or a binding, so cannot be read as text. */
export function valuesNotText(environment: WorkerEnvironment): readonly string[] {
  return Object.entries(environment).flatMap(([name, value]) =>
    Object.hasOwn(knownVariables, name) && typeof value === 'object' ? [name] : [],
  )
}
