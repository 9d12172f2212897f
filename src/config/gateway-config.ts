/** Configuration of the gateway on Node, read once from the environment; all errors are reported together. */
import { BlockList } from 'node:net'
import { isReachableByOthers } from '../emulator/exposure.ts'
import type { AuthConfig } from '../http/auth/authenticate.ts'
import type { TrustedDocument } from '../http/graphql/plugins/trusted-documents.ts'
import {
  type BaseConfig,
  type ConfigResult,
  DEFAULT_API_BUDGET,
  type Environment,
  type EnvironmentReader,
  parseEnvironment,
  readApiBudget,
  readAuth,
  readBaseConfig,
} from './base-config.ts'
import {
  type DatabaseConfig,
  type StreamConfig,
  readDatabase,
  readHost,
  readStream,
  readToken,
} from './node-config.ts'
import { readTrustedDocuments } from './trusted-documents.ts'
import { type TrustedProxies, trustProxy } from './trusted-proxies.ts'

export interface Config extends BaseConfig {
  readonly host: string
  /** 0 picks a free port. */
  readonly port: number
  readonly stream: StreamConfig
  readonly database: DatabaseConfig
  readonly auth: AuthConfig
  /** Proxies whose `X-Forwarded-For` and `X-Request-Id` are trusted. */
  readonly trustedProxies: TrustedProxies
  /** Requests to Stream's API per five minutes; null for no limit. */
  readonly streamApiBudget: number | null
  /** Bearer token for `/metrics`; null if the metrics are public. */
  readonly metricsToken: string | null
  /** The only documents that callers may execute, besides those of the console; null for any. */
  readonly trustedDocuments: readonly TrustedDocument[] | null
}

/** Variables of `headgate emulator`, which may run in the same environment. */
const EMULATOR_VARIABLES = {
  names: /^EMULATOR_/,
  reason:
    'while CLOUDFLARE_ACCOUNT_ID is set: the embedded emulator is not started. Unset it, unless `headgate emulator` reads it.',
}

/** Reads the gateway's configuration. README.md in this folder lists the variables. */
export function readConfig(environment: Environment): ConfigResult<Config> {
  return parseEnvironment(
    environment,
    (variables) => {
      const host = readHost(variables)
      const stream = readStream(variables)
      const account = stream.kind === 'account' ? stream : null
      const port = variables.integer('PORT', { from: 0, to: 65_535 }) ?? 4000
      const limits = readBaseConfig(variables)
      return {
        host,
        port,
        ...limits,
        stream,
        database: readDatabase(variables),
        auth: readAuth(
          variables,
          limits,
          account === null && !isReachableByOthers(host, limits.publicURL),
        ),
        trustedProxies: readProxies(variables),
        streamApiBudget:
          readApiBudget(variables, account) ?? (account === null ? null : DEFAULT_API_BUDGET),
        metricsToken: readToken(variables, 'METRICS_TOKEN'),
        trustedDocuments: readTrustedDocuments(variables, limits),
      }
    },
    { otherReader: EMULATOR_VARIABLES },
  )
}

function readProxies(variables: EnvironmentReader): TrustedProxies {
  const proxies = new BlockList()
  for (const [index, entry] of variables.list('TRUSTED_PROXIES').entries()) {
    if (trustProxy(proxies, entry)) continue
    variables.addError(
      'TRUSTED_PROXIES',
      `must list IP addresses or networks such as 10.0.0.0/8: entry ${index + 1} is invalid.`,
    )
  }
  return proxies
}
