/** The environment, read once: every mistake at once, by name, before anything listens. */
import { BlockList } from 'node:net'
import { type TrustedProxies, trustProxy } from './node/client-address.ts'
import type { AuthRules } from './http/authenticate.ts'
import {
  type Account,
  type ConfigOutcome,
  DEFAULT_BUDGET,
  type Environment,
  type Limits,
  type Variables,
  read,
  readAccount,
  readAuth,
  readBudget,
  readLimits,
} from './portable-config.ts'

/** The embedded emulator. */
export interface EmulatorConfig {
  readonly kind: 'emulator'
  readonly port: number
  readonly directory: string
  readonly storageMinutes: number
  readonly encodeMs: number
}

/** Which Stream the gateway works with. */
export type StreamConfig = EmulatorConfig | ({ readonly kind: 'account' } & Account)

/** Where uploads are remembered. */
export type DatabaseConfig =
  /** Path of the SQLite file. */
  | { readonly kind: 'sqlite'; readonly file: string }
  | {
      readonly kind: 'postgres'
      /** With its password: never shown. */
      readonly url: string
      /** Connections that one gateway holds at most. */
      readonly connections: number
    }

export interface Config extends Limits {
  readonly host: string
  /** 0 picks a free one. */
  readonly port: number
  readonly stream: StreamConfig
  readonly database: DatabaseConfig
  readonly auth: AuthRules
  /** Proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: TrustedProxies
  /** Requests to Stream's API in five minutes; null for no limit. */
  readonly streamApiBudget: number | null
  /** What Prometheus must send as a bearer token; null where anybody may read the metrics. */
  readonly metricsToken: string | null
}

const METRICS_TOKEN_CHARACTERS = 16
const DEFAULT_CONNECTIONS = 10
/** `headgate emulator` may run in the same environment. */
const EMULATOR = {
  names: /^EMULATOR_/,
  reason:
    'beside CLOUDFLARE_ACCOUNT_ID: the embedded emulator is not started. Unset it, unless `headgate emulator` reads it.',
}

/** All that the gateway needs: the variables that README.md lists. */
export function readConfig(environment: Environment): ConfigOutcome<Config> {
  return read(
    environment,
    (variables) => {
      const host = readHost(variables)
      const stream = readStream(variables)
      const account = stream.kind === 'account' ? stream : null
      const port = variables.wholeNumber('PORT', { from: 0, to: 65_535 }) ?? 4000
      const limits = readLimits(variables)
      return {
        host,
        port,
        ...limits,
        stream,
        database: readDatabase(variables),
        auth: readAuth(variables, limits, account === null && isLoopback(host)),
        trustedProxies: readProxies(variables),
        streamApiBudget:
          readBudget(variables, account) ?? (account === null ? null : DEFAULT_BUDGET),
        metricsToken: readMetricsToken(variables),
      }
    },
    { elsewhere: EMULATOR },
  )
}

/** What the emulator alone needs: whoever starts it has no callers to let in. */
export function readEmulatorConfig(
  environment: Environment,
): ConfigOutcome<EmulatorConfig & { readonly host: string }> {
  return read(
    environment,
    (variables) => ({ host: readHost(variables), ...readEmulator(variables) }),
    { names: /^(?:HOST$|EMULATOR_)/ },
  )
}

/** Which Stream, for commands that speak to it. */
export function readStreamConfig(environment: Environment): ConfigOutcome<StreamConfig> {
  return read(environment, readStream, { names: /^CLOUDFLARE_/ })
}

/** Which database, for commands that look after it. */
export function readDatabaseConfig(environment: Environment): ConfigOutcome<DatabaseConfig> {
  return read(environment, readDatabase, { names: /^DATABASE_/ })
}

function readHost(variables: Variables): string {
  return variables.text('HOST') ?? '127.0.0.1'
}

function readStream(variables: Variables): StreamConfig {
  const account = readAccount(variables, 'for the emulator')
  return account === null ? readEmulator(variables) : { kind: 'account', ...account }
}

function readEmulator(variables: Variables): EmulatorConfig {
  return {
    kind: 'emulator',
    port: variables.wholeNumber('EMULATOR_PORT', { from: 0, to: 65_535 }) ?? 4001,
    directory: variables.text('EMULATOR_DIR') ?? '.headgate/emulator',
    storageMinutes: variables.wholeNumber('EMULATOR_STORAGE_MINUTES', { from: 0 }) ?? 1000,
    encodeMs: variables.wholeNumber('EMULATOR_ENCODE_MS', { from: 0 }) ?? 2000,
  }
}

function readDatabase(variables: Variables): DatabaseConfig {
  const database = databaseAt(variables.secret('DATABASE_URL') ?? 'file:.headgate/headgate.db')
  if (database?.kind === 'postgres') {
    const connections = variables.wholeNumber('DATABASE_CONNECTIONS', { from: 2, to: 200 })
    return { ...database, connections: connections ?? DEFAULT_CONNECTIONS }
  }
  if (database !== null) return database
  // The address may hold a password: it is not repeated.
  variables.mistake(
    'DATABASE_URL',
    'must be file:PATH, the SQLite file, such as file:.headgate/headgate.db, or postgres://USER:PASSWORD@HOST:PORT/NAME.',
  )
  return { kind: 'sqlite', file: '' }
}

/** Null where it is neither. */
export function databaseAt(url: string): DatabaseConfig | null {
  const [, file] = /^file:(.+)$/.exec(url) ?? []
  if (file !== undefined) return { kind: 'sqlite', file }
  if (!/^postgres(?:ql)?:/.test(url) || !URL.canParse(url)) return null
  return { kind: 'postgres', url, connections: DEFAULT_CONNECTIONS }
}

function readMetricsToken(variables: Variables): string | null {
  const token = variables.secret('METRICS_TOKEN')
  // What is in it must fit into a header as it is.
  if (token === null || (token.length >= METRICS_TOKEN_CHARACTERS && /^[!-~]+$/.test(token))) {
    return token
  }
  return variables.mistake(
    'METRICS_TOKEN',
    `must have at least ${METRICS_TOKEN_CHARACTERS} characters, all of ASCII and none of them a space.`,
  )
}

function readProxies(variables: Variables): TrustedProxies {
  const proxies = new BlockList()
  for (const [index, entry] of variables.list('TRUSTED_PROXIES').entries()) {
    if (trustProxy(proxies, entry)) continue
    variables.mistake(
      'TRUSTED_PROXIES',
      `must list addresses or networks such as 10.0.0.0/8: entry ${index + 1} is none.`,
    )
  }
  return proxies
}

/** Reachable from this machine only. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host)
}
