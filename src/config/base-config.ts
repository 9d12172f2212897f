/** What every host of the gateway reads from its environment alike, on Node and on Workers. */
import type { AuthRules } from '../http/auth/authenticate.ts'
import type { ReportScope } from './known-variables.ts'
import { type Environment, type Reports, createVariables } from './environment-reader.ts'

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** What the gateway allows, and to whom it speaks. */
export interface Limits {
  /** How browsers and Stream reach the gateway; null where that is not said. */
  readonly publicURL: string | null
  readonly webhookSecrets: readonly string[]
  readonly allowedOrigins: readonly string[]
  readonly maxDurationSeconds: number
  /** Null for no quota. */
  readonly creatorQuotaMinutes: number | null
  readonly createsPerMinute: number
  readonly introspection: boolean
  readonly logLevel: LogLevel
}

/** An account at Cloudflare, or an emulator that says it is one. */
export interface Account {
  readonly accountId: string
  readonly apiToken: string
  readonly baseURL: string
}

/** What was read, or one sentence a mistake, each naming its variable; and warnings in either case. */
export type ConfigOutcome<T> =
  | { readonly kind: 'config'; readonly config: T; readonly warnings: readonly string[] }
  | ({ readonly kind: 'mistakes' } & Reports)

export type { Environment }

export type Variables = ReturnType<typeof createVariables>

/** Requests to Stream's API in five minutes, where nothing else is said. */
export const DEFAULT_BUDGET = 1000

const CLOUDFLARE_API = 'https://api.cloudflare.com/client/v4'
/** As many as HS256 makes of its own: https://www.rfc-editor.org/rfc/rfc7518#section-3.2 */
const SECRET_BYTES = 32
/** Stream's have 32 hex digits; fewer than these cannot be one. */
const WEBHOOK_SECRET_CHARACTERS = 16
/** Requests in five minutes that Cloudflare allows all of an account's tokens together. */
const CLOUDFLARE_LIMIT = 1200

/**
 * Every mistake at once.
 * @param part reads each variable that it depends on; what is set and not read is reported
 */
export function read<T>(
  environment: Environment,
  part: (variables: Variables) => T,
  scope: ReportScope = {},
): ConfigOutcome<T> {
  const variables = createVariables(environment)
  const config = part(variables)
  const { mistakes, warnings } = variables.reports(scope)
  return mistakes.length === 0
    ? { kind: 'config', config, warnings }
    : { kind: 'mistakes', mistakes, warnings }
}

export function readLimits(variables: Variables): Limits {
  return {
    publicURL: variables.origin('PUBLIC_URL'),
    webhookSecrets: variables.secrets('STREAM_WEBHOOK_SECRET', WEBHOOK_SECRET_CHARACTERS),
    allowedOrigins: variables.origins('ALLOWED_ORIGINS'),
    maxDurationSeconds:
      variables.wholeNumber('MAX_DURATION_SECONDS', { from: 1, to: 36_000 }) ?? 36_000,
    creatorQuotaMinutes: variables.wholeNumber('CREATOR_QUOTA_MINUTES', { from: 1 }),
    createsPerMinute: variables.wholeNumber('RATE_LIMIT_CREATES', { from: 1 }) ?? 60,
    introspection: variables.flag('INTROSPECTION') ?? true,
    logLevel: variables.oneOf('LOG_LEVEL', logLevels) ?? 'info',
  }
}

/**
 * Null where none is named, or not whole.
 * @param otherwise what is used where neither is set, with its preposition: `for the emulator`
 */
export function readAccount(variables: Variables, otherwise: string): Account | null {
  const hasId = variables.isSet('CLOUDFLARE_ACCOUNT_ID')
  const hasToken = variables.isSet('CLOUDFLARE_API_TOKEN')
  const accountId = readAccountId(variables)
  const apiToken = readAPIToken(variables)
  if (!hasId && !hasToken) return null
  const baseURL = readBaseURL(variables)
  if (!hasToken) {
    variables.mistake(
      'CLOUDFLARE_API_TOKEN',
      `is missing beside CLOUDFLARE_ACCOUNT_ID: set both, or neither ${otherwise}.`,
    )
  }
  if (!hasId) {
    variables.mistake(
      'CLOUDFLARE_ACCOUNT_ID',
      `is missing beside CLOUDFLARE_API_TOKEN: set both, or neither ${otherwise}.`,
    )
  }
  return accountId === null || apiToken === null ? null : { accountId, apiToken, baseURL }
}

/** It becomes a part of each request's path. */
function readAccountId(variables: Variables): string | null {
  const accountId = variables.text('CLOUDFLARE_ACCOUNT_ID')
  if (accountId === null || /^[\w-]{1,32}$/.test(accountId)) return accountId
  return variables.mistake(
    'CLOUDFLARE_ACCOUNT_ID',
    "must be an account's id: at most 32 letters, digits, hyphens and underscores.",
  )
}

/** It is sent in a header as it is. */
function readAPIToken(variables: Variables): string | null {
  const token = variables.secret('CLOUDFLARE_API_TOKEN')
  if (token === null || /^[!-~]+$/.test(token)) return token
  return variables.mistake(
    'CLOUDFLARE_API_TOKEN',
    'must be a token of printable ASCII characters without a space: set it exactly as it was issued.',
  )
}

function readBaseURL(variables: Variables): string {
  const baseURL = variables.address('CLOUDFLARE_API_BASE_URL')
  if (baseURL === null) return CLOUDFLARE_API
  if (/[?#]/.test(baseURL)) {
    variables.mistake('CLOUDFLARE_API_BASE_URL', 'must have neither a query nor a fragment.')
  }
  if (isInTheClear(baseURL)) {
    variables.warn(
      'CLOUDFLARE_API_BASE_URL',
      'is plain HTTP to another machine: whoever is on the way reads the API token. Use https.',
    )
  }
  return baseURL
}

/** Whether anybody between two machines could read and change what is sent there. */
function isInTheClear(address: string): boolean {
  const { protocol, hostname } = new URL(address)
  const isHere = /^(?:(?:.+\.)?localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname)
  return protocol === 'http:' && !isHere
}

/** Null for what is left out. Cloudflare's limit binds at Cloudflare: an emulator has none, and a proxy may have many tokens. */
export function readBudget(variables: Variables, account: Account | null): number | null {
  const isCloudflare =
    account !== null &&
    new URL(account.baseURL).hostname.replace(/\.$/, '') === new URL(CLOUDFLARE_API).hostname
  const bounds = isCloudflare ? { from: 10, to: CLOUDFLARE_LIMIT } : { from: 10 }
  return variables.wholeNumber('STREAM_API_BUDGET', bounds)
}

/** @param isOutOfReach whether nobody else can reach the gateway, so that it may do without tokens */
export function readAuth(
  variables: Variables,
  { publicURL }: Pick<Limits, 'publicURL'>,
  isOutOfReach: boolean,
): AuthRules {
  const disabled = variables.flag('AUTH_DISABLED')
  if (disabled === true) return { kind: 'open' }
  const hasKeys = variables.isSet('AUTH_JWT_SECRET') || variables.isSet('AUTH_JWKS_URL')
  const secret = readJWTSecret(variables)
  const jwksURL = variables.address('AUTH_JWKS_URL')
  if (!hasKeys) {
    // Said so, false asks for tokens; left out, it asks for them where others reach the gateway.
    if (disabled === false || !isOutOfReach) {
      variables.mistake(
        'AUTH_JWT_SECRET',
        'or AUTH_JWKS_URL must be set: without one, anybody who reaches this address could mint uploads. (AUTH_DISABLED=true accepts that.)',
      )
    }
    return { kind: 'open' }
  }
  const issuer = variables.text('AUTH_ISSUER')
  const audience = variables.text('AUTH_AUDIENCE')
  if (jwksURL !== null && isInTheClear(jwksURL)) {
    variables.warn(
      'AUTH_JWKS_URL',
      'is plain HTTP to another machine: whoever is on the way can put keys of their own there. Use https.',
    )
  }
  if (publicURL !== null && isInTheClear(publicURL)) {
    variables.warn(
      'PUBLIC_URL',
      "is plain HTTP to another machine: whoever is on the way reads callers' tokens. Use https.",
    )
  }
  if (secret !== null && jwksURL !== null && issuer === null) {
    variables.warn(
      'AUTH_JWT_SECRET',
      'is set beside AUTH_JWKS_URL: a `sub` is one creator, whichever of the two verifies its token. Set AUTH_ISSUER where both have one issuer, or unset one of the two.',
    )
  }
  return {
    kind: 'tokens',
    secret,
    jwksURL: jwksURL === null ? null : new URL(jwksURL),
    issuer,
    audience,
  }
}

/** As bytes, even where they are too few: the mistake is told, and nothing starts with them. */
function readJWTSecret(variables: Variables): Uint8Array | null {
  const secret = variables.secret('AUTH_JWT_SECRET')
  if (secret === null) return null
  const bytes = new TextEncoder().encode(secret)
  if (bytes.length < SECRET_BYTES) {
    variables.mistake('AUTH_JWT_SECRET', `must have at least ${SECRET_BYTES} bytes.`)
  }
  // Anybody may have a public key, and could sign by HS256 with its text.
  if (secret.startsWith('-----BEGIN ')) {
    variables.mistake(
      'AUTH_JWT_SECRET',
      'must be a secret for HS256, not a key: publish public keys at AUTH_JWKS_URL.',
    )
  }
  return bytes
}
