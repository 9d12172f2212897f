/** The Worker's configuration: the variables that Node reads too, and the bindings that must be there. */
import type { AuthRules } from '../http/auth/authenticate.ts'
import {
  type Account,
  type ConfigOutcome,
  DEFAULT_BUDGET,
  type Limits,
  type Variables,
  read,
  readAccount,
  readAuth,
  readBudget,
  readLimits,
} from '../config/base-config.ts'
import type { D1Database } from '../store/d1/d1-client.ts'
import type { StreamBinding } from '../stream/binding/binding-types.ts'
import { type WorkerEnvironment, valuesNotText, variablesIn } from './environment.ts'
import type { HubCalls } from './hub-rpc.ts'
import type { ObjectNamespace } from './runtime-types.ts'

/** What variables say. */
interface Settings extends Limits {
  readonly auth: AuthRules
  /** Beside the binding, or in its place; null for the binding alone. */
  readonly account: Account | null
  readonly streamApiBudget: number
}

export interface WorkerConfig extends Settings {
  readonly database: D1Database
  readonly hub: ObjectNamespace<HubCalls>
  /** The binding; null for the account alone. */
  readonly stream: StreamBinding | null
}

/** `wrangler dev` also reads the `.env` that a gateway on Node may have. */
const NODE_ONLY = {
  names: /^(?:HOST$|PORT$|DATABASE_|TRUSTED_PROXIES$|METRICS_TOKEN$|EMULATOR_)/,
  reason: 'on Workers: only the gateway on Node reads it. Unset it here.',
}

/** Everything that is wrong, in one answer: each sentence names a variable or a binding. */
export function readWorkerConfig(environment: WorkerEnvironment): ConfigOutcome<WorkerConfig> {
  const { DB: database, HUB: hub, STREAM: stream = null } = environment
  function readSettings(variables: Variables): Settings {
    for (const name of valuesNotText(environment)) {
      variables.mistake(
        name,
        'must be text, a number or a boolean: lists are comma-separated text.',
      )
    }
    if (database === undefined) {
      variables.mistake('DB', 'is missing: bind a D1 database to this name in wrangler.jsonc.')
    }
    if (hub === undefined) {
      variables.mistake('HUB', 'is missing: bind the Durable Object Hub to this name.')
    }
    const account = readAccount(variables, 'for the binding STREAM alone')
    if (account === null && stream === null) {
      variables.mistake(
        'STREAM',
        'is missing: bind Stream to this name, or set CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_API_TOKEN.',
      )
    }
    const limits = readLimits(variables)
    return {
      ...limits,
      auth: readAuth(variables, limits, false),
      account,
      streamApiBudget: readBudget(variables, account) ?? DEFAULT_BUDGET,
    }
  }

  const outcome = read(variablesIn(environment), readSettings, { elsewhere: NODE_ONLY })
  if (outcome.kind === 'mistakes') return outcome
  // What is missing is a mistake, and was told.
  if (database === undefined || hub === undefined)
    return { ...outcome, kind: 'mistakes', mistakes: [] }
  return { ...outcome, config: { ...outcome.config, database, hub, stream } }
}
