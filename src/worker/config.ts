/** The Worker's configuration: the variables that Node reads too, and the bindings that must be there. */
import type { AuthRules } from '../http/authenticate.ts'
import {
  type Account,
  type ConfigOutcome,
  DEFAULT_BUDGET,
  type Limits,
  read,
  readAccount,
  readAuth,
  readBudget,
  readLimits,
} from '../portable-config.ts'
import { type WorkerEnvironment, variablesIn } from './environment.ts'

export interface WorkerConfig extends Limits {
  readonly auth: AuthRules
  /** Beside the binding, or in its place; null for the binding alone. */
  readonly account: Account | null
  /** Requests to Stream's API in five minutes; null for no limit. */
  readonly streamApiBudget: number | null
}

/** Everything that is wrong, in one answer: each sentence names a variable or a binding. */
export function readWorkerConfig(environment: WorkerEnvironment): ConfigOutcome<WorkerConfig> {
  return read(variablesIn(environment), (variables) => {
    if (!isBinding(environment.DB)) {
      variables.mistake('DB', 'is missing: bind a D1 database to this name in wrangler.jsonc.')
    }
    if (!isBinding(environment.HUB)) {
      variables.mistake('HUB', 'is missing: bind the Durable Object Hub to this name.')
    }
    const account = readAccount(variables, 'for the binding STREAM alone')
    if (account === null && !isBinding(environment.STREAM)) {
      variables.mistake(
        'STREAM',
        'is missing: bind Stream to this name, or set CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_API_TOKEN.',
      )
    }
    return {
      ...readLimits(variables),
      auth: readAuth(variables, false),
      account,
      streamApiBudget: readBudget(variables, account) ?? DEFAULT_BUDGET,
    }
  })
}

function isBinding(value: unknown): boolean {
  return (typeof value === 'object' || typeof value === 'function') && value !== null
}
