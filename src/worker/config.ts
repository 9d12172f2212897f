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
import type { D1Database } from '../store/d1/d1.ts'
import type { StreamBinding } from '../stream/binding-types.ts'
import { type WorkerEnvironment, variablesIn } from './environment.ts'
import type { HubCalls } from './hub-calls.ts'
import type { ObjectNamespace } from './runtime.ts'

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

/** Everything that is wrong, in one answer: each sentence names a variable or a binding. */
export function readWorkerConfig(environment: WorkerEnvironment): ConfigOutcome<WorkerConfig> {
  const { DB: database, HUB: hub, STREAM: stream = null } = environment
  const outcome = read<Settings>(variablesIn(environment), (variables) => {
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
    return {
      ...readLimits(variables),
      auth: readAuth(variables, false),
      account,
      streamApiBudget: readBudget(variables, account) ?? DEFAULT_BUDGET,
    }
  })
  if (outcome.kind === 'mistakes') return outcome
  // What is missing is a mistake, and was told.
  if (database === undefined || hub === undefined) return { kind: 'mistakes', mistakes: [] }
  return { kind: 'config', config: { ...outcome.config, database, hub, stream } }
}
