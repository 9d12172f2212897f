/** What every host of the gateway reads from its environment alike, on Node and on Workers. */
import type { AuthRules } from './http/authenticate.ts'
import { createVariables } from './variables.ts'

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

/** What was read, or one sentence a mistake, each naming its variable. */
export type ConfigOutcome<T> =
  | { readonly kind: 'config'; readonly config: T }
  | { readonly kind: 'mistakes'; readonly mistakes: readonly string[] }

/** Where variables come from; those set to nothing count as left out. */
export type Environment = Readonly<Record<string, string | undefined>>

export type Variables = ReturnType<typeof createVariables>

/** Requests to Stream's API in five minutes, where nothing else is said. */
export const DEFAULT_BUDGET = 1000

const CLOUDFLARE_API = 'https://api.cloudflare.com/client/v4'
const SECRET_BYTES = 32
/** Requests in five minutes that Cloudflare allows all of an account's tokens together. */
const CLOUDFLARE_LIMIT = 1200

/** Every mistake at once. */
export function read<T>(
  environment: Environment,
  part: (variables: Variables) => T,
): ConfigOutcome<T> {
  const variables = createVariables(environment)
  const config = part(variables)
  const mistakes = variables.mistakes()
  return mistakes.length === 0 ? { kind: 'config', config } : { kind: 'mistakes', mistakes }
}

export function readLimits(variables: Variables): Limits {
  return {
    publicURL: variables.origin('PUBLIC_URL'),
    webhookSecrets: variables.list('STREAM_WEBHOOK_SECRET'),
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
  const accountId = variables.text('CLOUDFLARE_ACCOUNT_ID')
  const apiToken = variables.text('CLOUDFLARE_API_TOKEN')
  const baseURL = variables.address('CLOUDFLARE_API_BASE_URL')
  if (accountId !== null && apiToken !== null) {
    return { accountId, apiToken, baseURL: baseURL ?? CLOUDFLARE_API }
  }
  if (accountId !== null) {
    variables.mistake(
      'CLOUDFLARE_API_TOKEN',
      `is missing beside CLOUDFLARE_ACCOUNT_ID: set both, or neither ${otherwise}.`,
    )
  }
  if (apiToken !== null) {
    variables.mistake(
      'CLOUDFLARE_ACCOUNT_ID',
      `is missing beside CLOUDFLARE_API_TOKEN: set both, or neither ${otherwise}.`,
    )
  }
  if (baseURL !== null && accountId === null && apiToken === null) {
    variables.mistake(
      'CLOUDFLARE_API_BASE_URL',
      'means something only with CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_API_TOKEN.',
    )
  }
  return null
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
export function readAuth(variables: Variables, isOutOfReach: boolean): AuthRules {
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
  } else if (disabled !== true && !isOutOfReach) {
    variables.mistake(
      'AUTH_JWT_SECRET',
      'or AUTH_JWKS_URL must be set: without one, anybody who reaches this address could mint uploads. (AUTH_DISABLED=true accepts that.)',
    )
  }
  return { kind: 'open' }
}
