/** The environment, read once: every mistake at once, by name, before anything listens. */
import { BlockList } from 'node:net'
import { isLoopback, isReachableByOthers } from '../emulator/exposure.ts'
import { type TrustedProxies, trustProxy } from '../node/server/client-address.ts'
import type { AuthRules } from '../http/auth/authenticate.ts'
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
} from './base-config.ts'

/** The embedded emulator. */
export interface EmulatorConfig {
  readonly kind: 'emulator'
  readonly port: number
  readonly directory: string
  readonly storageMinutes: number
  readonly encodeMs: number
  /** What its API asks for; null where none is given. */
  readonly token: string | null
  /** Origin by which browsers reach it; null where that follows from HOST and PUBLIC_URL. */
  readonly publicURL: string | null
}

/** Where the emulator listens, and by whose hostname it is reached unless it has its own. */
export interface EmulatorListenConfig extends EmulatorConfig {
  readonly host: string
  /** PUBLIC_URL of the gateway; null where it is not set. */
  readonly gatewayURL: string | null
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

const TOKEN_CHARACTERS = 16
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
        metricsToken: readToken(variables, 'METRICS_TOKEN'),
      }
    },
    { elsewhere: EMULATOR },
  )
}

/**
 * What the emulator alone needs. Where other machines can reach it, they are meant to use its API: with
 * a token that they are given, and not with the one that everybody knows.
 */
export function readEmulatorConfig(environment: Environment): ConfigOutcome<EmulatorListenConfig> {
  return read(
    environment,
    (variables) => {
      const host = readHost(variables)
      const emulator = readEmulator(variables)
      const isExposed = isReachableByOthers(host, emulator.publicURL)
      if (isExposed && variables.text('EMULATOR_TOKEN') === null) {
        variables.mistake(
          'EMULATOR_TOKEN',
          'must be set: HOST or EMULATOR_PUBLIC_URL lets other machines reach the emulator, and everybody knows its usual token.',
        )
      }
      return { host, gatewayURL: variables.origin('PUBLIC_URL'), ...emulator }
    },
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
    token: readToken(variables, 'EMULATOR_TOKEN'),
    publicURL: variables.origin('EMULATOR_PUBLIC_URL'),
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

function readToken(variables: Variables, name: 'METRICS_TOKEN' | 'EMULATOR_TOKEN'): string | null {
  const token = variables.secret(name)
  // What is in it must fit into a header as it is.
  if (token === null || (token.length >= TOKEN_CHARACTERS && /^[!-~]+$/.test(token))) {
    return token
  }
  return variables.mistake(
    name,
    `must have at least ${TOKEN_CHARACTERS} characters, all of ASCII and none of them a space.`,
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
