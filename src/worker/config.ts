/** Reads the Worker's configuration: environment variables shared with Node, and bindings. */
import type { AuthConfig } from '../http/auth/authenticate.ts'
import {
  type CloudflareAccount,
  type ConfigResult,
  DEFAULT_API_BUDGET,
  type BaseConfig,
  type EnvironmentReader,
  parseEnvironment,
  readAccount,
  readAuth,
  readApiBudget,
  readBaseConfig,
} from '../config/base-config.ts'
import { readDocumentsPath } from '../config/parse-trusted-documents.ts'
import type { D1Database } from '../store/d1/d1-client.ts'
import type { StreamBinding } from '../stream/binding/binding-types.ts'
import type { AssetsBinding } from './assets.ts'
import { type WorkerEnvironment, valuesNotText, textVariables } from './environment.ts'
import type { HubRpc } from './hub-rpc.ts'
import type { DurableObjectNamespace } from './runtime-types.ts'

/** Settings from environment variables. */
interface Settings extends BaseConfig {
  readonly auth: AuthConfig
  /** API account, instead of the binding or in addition to it; null if only the binding is used. */
  readonly account: CloudflareAccount | null
  readonly streamApiBudget: number
  /** Path of the file of trusted documents in the assets directory; null to execute all documents. */
  readonly trustedDocumentsPath: string | null
}

export interface WorkerConfig extends Settings {
  readonly database: D1Database
  readonly hub: DurableObjectNamespace<HubRpc>
  /** The Stream binding; null for the REST API alone. */
  readonly stream: StreamBinding | null
  /** The console's files, and that of the trusted documents; null for neither. */
  readonly assets: AssetsBinding | null
}

/** Variables of Node hosts: `wrangler dev` also reads their `.env`. */
const NODE_ONLY = {
  names: /^(?:HOST$|PORT$|DATABASE_|TRUSTED_PROXIES$|METRICS_TOKEN$|EMULATOR_)/,
  reason: 'on Workers: only the gateway on Node reads it. Unset it.',
}

/** Returns the configuration, or all errors together; each names a variable or a binding. */
export function readWorkerConfig(environment: WorkerEnvironment): ConfigResult<WorkerConfig> {
  const { DB: database, HUB: hub, STREAM: stream = null, ASSETS: assets = null } = environment
  function readSettings(variables: EnvironmentReader): Settings {
    for (const name of valuesNotText(environment)) {
      variables.addError(
        name,
        'must be text, a number or a boolean: lists are comma-separated text.',
      )
    }
    if (database === undefined) {
      variables.addError('DB', 'is missing. Bind a D1 database to this name in wrangler.jsonc.')
    }
    if (hub === undefined) {
      variables.addError('HUB', 'is missing. Bind the Durable Object Hub to this name.')
    }
    const account = readAccount(variables, 'for the binding STREAM alone')
    if (account === null && stream === null) {
      variables.addError(
        'STREAM',
        'is missing. Bind Stream to this name, or set CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_API_TOKEN.',
      )
    }
    const limits = readBaseConfig(variables)
    const trustedDocumentsPath = readDocumentsPath(variables, limits)
    if (trustedDocumentsPath !== null && assets === null) {
      variables.addError(
        'ASSETS',
        'is missing. Bind a directory with the file of TRUSTED_DOCUMENTS to this name in wrangler.jsonc.',
      )
    }
    return {
      ...limits,
      auth: readAuth(variables, limits, false),
      account,
      streamApiBudget: readApiBudget(variables, account) ?? DEFAULT_API_BUDGET,
      trustedDocumentsPath,
    }
  }

  const outcome = parseEnvironment(textVariables(environment), readSettings, {
    otherReader: NODE_ONLY,
  })
  if (outcome.kind === 'errors') return outcome
  // A missing binding was reported as an error above.
  if (database === undefined || hub === undefined) return { ...outcome, kind: 'errors', errors: [] }
  return { ...outcome, config: { ...outcome.config, database, hub, stream, assets } }
}
