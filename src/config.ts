/** The environment, read once: every mistake at once, by name, before anything listens. */
import { BlockList } from 'node:net'
import { type TrustedProxies, trustProxy } from './node/client-address.ts'
import type { AuthRules } from './http/authenticate.ts'
import { createVariables } from './variables.ts'

/** The embedded emulator. */
export interface EmulatorConfig {
  readonly kind: 'emulator'
  readonly port: number
  readonly directory: string
  readonly storageMinutes: number
  readonly encodeMs: number
}

/** Which Stream the gateway works with. */
export type StreamConfig =
  | EmulatorConfig
  | {
      readonly kind: 'account'
      readonly accountId: string
      readonly apiToken: string
      readonly baseURL: string
    }

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

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

export interface Config {
  readonly host: string
  /** 0 picks a free one. */
  readonly port: number
  /** How browsers and Stream reach the gateway; null for host and port. */
  readonly publicURL: string | null
  readonly stream: StreamConfig
  readonly webhookSecrets: readonly string[]
  readonly database: DatabaseConfig
  readonly auth: AuthRules
  readonly allowedOrigins: readonly string[]
  /** Proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: TrustedProxies
  readonly maxDurationSeconds: number
  /** Null for no quota. */
  readonly creatorQuotaMinutes: number | null
  readonly createsPerMinute: number
  /** Requests to Stream's API in five minutes; null for no limit. */
  readonly streamApiBudget: number | null
  readonly introspection: boolean
  /** What Prometheus must send as a bearer token; null where anybody may read the metrics. */
  readonly metricsToken: string | null
  readonly logLevel: (typeof logLevels)[number]
}

/** What was read, or one sentence a mistake, each naming its variable. */
export type ConfigOutcome<T = Config> =
  | { readonly kind: 'config'; readonly config: T }
  | { readonly kind: 'mistakes'; readonly mistakes: readonly string[] }

/** Where variables come from; those set to nothing count as left out. */
type Environment = Readonly<Record<string, string | undefined>>

const CLOUDFLARE_API = 'https://api.cloudflare.com/client/v4'
const SECRET_BYTES = 32
/** Requests in five minutes that Cloudflare allows all of an account's tokens together. */
const CLOUDFLARE_LIMIT = 1200
const METRICS_TOKEN_CHARACTERS = 16
const DEFAULT_BUDGET = 1000
const DEFAULT_CONNECTIONS = 10

/** All that the gateway needs: the variables that README.md lists. */
export function readConfig(environment: Environment): ConfigOutcome {
  return read(environment, (variables) => {
    const host = readHost(variables)
    const stream = readStream(variables)
    return {
      host,
      port: variables.wholeNumber('PORT', { from: 0, to: 65_535 }) ?? 4000,
      publicURL: variables.origin('PUBLIC_URL'),
      stream,
      webhookSecrets: variables.list('STREAM_WEBHOOK_SECRET'),
      database: readDatabase(variables),
      auth: readAuth(variables, stream, host),
      allowedOrigins: variables.origins('ALLOWED_ORIGINS'),
      trustedProxies: readProxies(variables),
      maxDurationSeconds:
        variables.wholeNumber('MAX_DURATION_SECONDS', { from: 1, to: 36_000 }) ?? 36_000,
      creatorQuotaMinutes: variables.wholeNumber('CREATOR_QUOTA_MINUTES', { from: 1 }),
      createsPerMinute: variables.wholeNumber('RATE_LIMIT_CREATES', { from: 1 }) ?? 60,
      streamApiBudget:
        variables.wholeNumber('STREAM_API_BUDGET', budgetBounds(stream)) ??
        (stream.kind === 'account' ? DEFAULT_BUDGET : null),
      introspection: variables.flag('INTROSPECTION') ?? true,
      metricsToken: readMetricsToken(variables),
      logLevel: variables.oneOf('LOG_LEVEL', logLevels) ?? 'info',
    }
  })
}

/** What the emulator alone needs: whoever starts it has no callers to let in. */
export function readEmulatorConfig(
  environment: Environment,
): ConfigOutcome<EmulatorConfig & { readonly host: string }> {
  return read(environment, (variables) => ({
    host: readHost(variables),
    ...readEmulator(variables),
  }))
}

/** Which Stream, for commands that speak to it. */
export function readStreamConfig(environment: Environment): ConfigOutcome<StreamConfig> {
  return read(environment, readStream)
}

/** Which database, for commands that look after it. */
export function readDatabaseConfig(environment: Environment): ConfigOutcome<DatabaseConfig> {
  return read(environment, readDatabase)
}

function read<T>(environment: Environment, part: (variables: Variables) => T): ConfigOutcome<T> {
  const variables = createVariables(environment)
  const config = part(variables)
  const mistakes = variables.mistakes()
  return mistakes.length === 0 ? { kind: 'config', config } : { kind: 'mistakes', mistakes }
}

function readHost(variables: Variables): string {
  return variables.text('HOST') ?? '127.0.0.1'
}

type Variables = ReturnType<typeof createVariables>

function readStream(variables: Variables): StreamConfig {
  const accountId = variables.text('CLOUDFLARE_ACCOUNT_ID')
  const apiToken = variables.text('CLOUDFLARE_API_TOKEN')
  const baseURL = variables.address('CLOUDFLARE_API_BASE_URL')
  if (accountId !== null && apiToken !== null) {
    return { kind: 'account', accountId, apiToken, baseURL: baseURL ?? CLOUDFLARE_API }
  }
  if (accountId !== null) {
    variables.mistake(
      'CLOUDFLARE_API_TOKEN',
      'is missing beside CLOUDFLARE_ACCOUNT_ID: set both, or neither for the emulator.',
    )
  }
  if (apiToken !== null) {
    variables.mistake(
      'CLOUDFLARE_ACCOUNT_ID',
      'is missing beside CLOUDFLARE_API_TOKEN: set both, or neither for the emulator.',
    )
  }
  if (baseURL !== null && accountId === null && apiToken === null) {
    variables.mistake(
      'CLOUDFLARE_API_BASE_URL',
      'means something only with CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_API_TOKEN.',
    )
  }
  return readEmulator(variables)
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

/** Cloudflare's limit binds at Cloudflare: an emulator has none, and a proxy may have many tokens. */
function budgetBounds(stream: StreamConfig): { readonly from: number; readonly to?: number } {
  const isCloudflare =
    stream.kind === 'account' &&
    new URL(stream.baseURL).hostname.replace(/\.$/, '') === new URL(CLOUDFLARE_API).hostname
  return isCloudflare ? { from: 10, to: CLOUDFLARE_LIMIT } : { from: 10 }
}

function readDatabase(variables: Variables): DatabaseConfig {
  const connections = variables.wholeNumber('DATABASE_CONNECTIONS', { from: 2, to: 200 })
  const database = databaseAt(variables.text('DATABASE_URL') ?? 'file:.headgate/headgate.db')
  if (database?.kind === 'postgres') {
    return { ...database, connections: connections ?? DEFAULT_CONNECTIONS }
  }
  if (connections !== null) {
    variables.mistake('DATABASE_CONNECTIONS', 'means something only with PostgreSQL.')
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

function readAuth(variables: Variables, stream: StreamConfig, host: string): AuthRules {
  const disabled = variables.flag('AUTH_DISABLED')
  const secret = variables.text('AUTH_JWT_SECRET')
  const jwksURL = variables.address('AUTH_JWKS_URL')
  const issuer = variables.text('AUTH_ISSUER')
  const audience = variables.text('AUTH_AUDIENCE')
  const bytes = secret === null ? null : new TextEncoder().encode(secret)
  if (bytes !== null && bytes.length < SECRET_BYTES) {
    variables.mistake('AUTH_JWT_SECRET', `must have at least ${SECRET_BYTES} bytes.`)
  }
  if (bytes !== null || jwksURL !== null) {
    if (disabled === true) {
      variables.mistake(
        'AUTH_DISABLED',
        'contradicts AUTH_JWT_SECRET and AUTH_JWKS_URL: unset one or the other.',
      )
    }
    return {
      kind: 'tokens',
      secret: bytes,
      jwksURL: jwksURL === null ? null : new URL(jwksURL),
      issuer,
      audience,
    }
  }
  if (issuer !== null || audience !== null) {
    variables.mistake(
      issuer === null ? 'AUTH_AUDIENCE' : 'AUTH_ISSUER',
      'needs AUTH_JWT_SECRET or AUTH_JWKS_URL, which say how tokens are verified.',
    )
  } else if (disabled !== true && !(stream.kind === 'emulator' && isLoopback(host))) {
    variables.mistake(
      'AUTH_JWT_SECRET',
      'or AUTH_JWKS_URL must be set: without one, anybody who reaches this address could mint uploads. (AUTH_DISABLED=true accepts that.)',
    )
  }
  return { kind: 'open' }
}

function readMetricsToken(variables: Variables): string | null {
  const token = variables.text('METRICS_TOKEN')
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
