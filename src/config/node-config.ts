/** Sections of Node's configuration, which commands also read individually. All errors are reported together. */
import { readCallbacks } from './callbacks.ts'
import { isReachableByOthers } from '../emulator/exposure.ts'
import type { AuthConfig } from '../http/auth/authenticate.ts'
import {
  type CloudflareAccount,
  type ConfigResult,
  type Environment,
  type BaseConfig,
  type EnvironmentReader,
  parseEnvironment,
  readAccount,
  readAuth,
} from './base-config.ts'

/** The emulator, embedded or alone. */
export interface EmulatorConfig {
  readonly kind: 'emulator'
  readonly port: number
  readonly directory: string
  readonly storageMinutes: number
  /** Maximum bytes of all stored files. */
  readonly diskBytes: number
  readonly encodeMs: number
  /** API token; null for the emulator's default. */
  readonly token: string | null
  /** Public origin of the emulator; null to derive it from HOST and PUBLIC_URL. */
  readonly publicURL: string | null
}

/** Emulator configuration with the listen address and the gateway's URL. */
export interface EmulatorListenConfig extends EmulatorConfig {
  readonly host: string
  /** PUBLIC_URL of the gateway; null if not set. Its hostname is used if `publicURL` is null. */
  readonly gatewayURL: string | null
}

/** The embedded emulator or a Cloudflare account. */
export type StreamConfig = EmulatorConfig | ({ readonly kind: 'account' } & CloudflareAccount)

export type DatabaseConfig =
  /** Path of the SQLite file. */
  | { readonly kind: 'sqlite'; readonly file: string }
  | {
      readonly kind: 'postgres'
      /** Contains the password. Must not be logged. */
      readonly url: string
      /** Maximum connections per gateway. */
      readonly connections: number
    }

const MIN_TOKEN_CHARACTERS = 16
const DEFAULT_CONNECTIONS = 10

/**
 * Reads the configuration of `headgate emulator`. If other machines can reach the emulator, EMULATOR_TOKEN is
 * required: the default token is public.
 */
export function readEmulatorConfig(environment: Environment): ConfigResult<EmulatorListenConfig> {
  return parseEnvironment(
    environment,
    (variables) => {
      const host = readHost(variables)
      const emulator = readEmulator(variables)
      const isExposed = isReachableByOthers(host, emulator.publicURL)
      if (isExposed && variables.text('EMULATOR_TOKEN') === null) {
        variables.addError(
          'EMULATOR_TOKEN',
          'must be set: HOST or EMULATOR_PUBLIC_URL lets other machines reach the emulator, and its default token is public.',
        )
      }
      return { host, gatewayURL: variables.origin('PUBLIC_URL'), ...emulator }
    },
    { names: /^(?:HOST$|EMULATOR_)/ },
  )
}

/** Reads the Stream configuration, for commands that use no database. */
export function readStreamConfig(environment: Environment): ConfigResult<StreamConfig> {
  return parseEnvironment(environment, readStream, { names: /^CLOUDFLARE_/ })
}

/** Reads how callers authenticate, for a command that signs tokens. */
export function readAuthConfig(environment: Environment): ConfigResult<AuthConfig> {
  return parseEnvironment(
    environment,
    (variables) => readAuth(variables, { publicURL: null }, true),
    { names: /^AUTH_/ },
  )
}

/** Reads the configuration of callbacks, for a command that uses nothing else. */
export function readCallbackConfig(
  environment: Environment,
): ConfigResult<Pick<BaseConfig, 'callbacks'>> {
  return parseEnvironment(environment, (variables) => ({ callbacks: readCallbacks(variables) }), {
    names: /^CALLBACK_/,
  })
}

/** Reads the database configuration, for commands that do not use Stream. */
export function readDatabaseConfig(environment: Environment): ConfigResult<DatabaseConfig> {
  return parseEnvironment(environment, readDatabase, { names: /^DATABASE_/ })
}

export function readHost(variables: EnvironmentReader): string {
  return variables.text('HOST') ?? '127.0.0.1'
}

export function readStream(variables: EnvironmentReader): StreamConfig {
  const account = readAccount(variables, 'for the emulator')
  return account === null ? readEmulator(variables) : { kind: 'account', ...account }
}

function readEmulator(variables: EnvironmentReader): EmulatorConfig {
  return {
    kind: 'emulator',
    port: variables.integer('EMULATOR_PORT', { from: 0, to: 65_535 }) ?? 4001,
    directory: variables.text('EMULATOR_DIR') ?? '.headgate/emulator',
    storageMinutes: variables.integer('EMULATOR_STORAGE_MINUTES', { from: 0 }) ?? 1000,
    diskBytes: variables.integer('EMULATOR_DISK_BYTES', { from: 0 }) ?? 20_000_000_000,
    encodeMs: variables.integer('EMULATOR_ENCODE_MS', { from: 0 }) ?? 2000,
    token: readToken(variables, 'EMULATOR_TOKEN'),
    publicURL: variables.origin('EMULATOR_PUBLIC_URL'),
  }
}

export function readDatabase(variables: EnvironmentReader): DatabaseConfig {
  const database = parseDatabaseURL(
    variables.secret('DATABASE_URL') ?? 'file:.headgate/headgate.db',
  )
  if (database?.kind === 'postgres') {
    const connections = variables.integer('DATABASE_CONNECTIONS', { from: 2, to: 200 })
    return { ...database, connections: connections ?? DEFAULT_CONNECTIONS }
  }
  if (database !== null) return database
  // The message does not contain the URL, which may contain a password.
  variables.addError(
    'DATABASE_URL',
    'must be file:PATH of a SQLite file, such as file:.headgate/headgate.db, or postgres://USER:PASSWORD@HOST:PORT/NAME.',
  )
  return { kind: 'sqlite', file: '' }
}

/** Returns the configuration of a database URL; null if it is neither SQLite nor PostgreSQL. */
export function parseDatabaseURL(url: string): DatabaseConfig | null {
  const [, file] = /^file:(.+)$/.exec(url) ?? []
  if (file !== undefined) return { kind: 'sqlite', file }
  if (!/^postgres(?:ql)?:/.test(url) || !URL.canParse(url)) return null
  return { kind: 'postgres', url, connections: DEFAULT_CONNECTIONS }
}

export function readToken(
  variables: EnvironmentReader,
  name: 'METRICS_TOKEN' | 'EMULATOR_TOKEN',
): string | null {
  const token = variables.secret(name)
  // The token is sent in a header.
  if (token === null || (token.length >= MIN_TOKEN_CHARACTERS && /^[!-~]+$/.test(token))) {
    return token
  }
  return variables.addError(
    name,
    `must have at least ${MIN_TOKEN_CHARACTERS} printable ASCII characters, without a space.`,
  )
}

/** Returns the database's name for messages, without credentials: a path, or `postgres://host:5432/name`. */
export function databaseLabel(database: DatabaseConfig): string {
  if (database.kind === 'sqlite') return database.file
  const { hostname, port, pathname } = new URL(database.url)
  return `postgres://${hostname}${port === '' ? '' : `:${port}`}${pathname}`
}
