/** What `wrangler.jsonc` and its secrets hand to the Worker: bindings, and variables by their names. */
import { knownVariables } from '../config/known-variables.ts'
import type { D1Database } from '../store/d1/d1-client.ts'
import type { StreamBinding } from '../stream/binding/binding-types.ts'
import type { HubCalls } from './hub-rpc.ts'
import type { ObjectNamespace } from './runtime-types.ts'

/** Bindings may be missing however they are declared: what is there is looked at before it is used. */
export interface WorkerEnvironment {
  readonly DB?: D1Database
  readonly HUB?: ObjectNamespace<HubCalls>
  readonly STREAM?: StreamBinding
  readonly [variable: string]: unknown
}

/** Variables and secrets: text, or numbers and truths as JSON has them under `vars`. */
export function variablesIn(environment: WorkerEnvironment): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) =>
      ['string', 'number', 'boolean'].includes(typeof value) ? [[name, String(value)]] : [],
    ),
  )
}

/** Variables of headgate that are set to JSON or bound to an object, and so could not be read. */
export function valuesNotText(environment: WorkerEnvironment): readonly string[] {
  return Object.entries(environment).flatMap(([name, value]) =>
    Object.hasOwn(knownVariables, name) && typeof value === 'object' ? [name] : [],
  )
}
