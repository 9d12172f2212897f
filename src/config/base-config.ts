/** Configuration that Node and Workers share. */
import type { AuthConfig } from '../http/auth/authenticate.ts'
import type { SigningKey } from '../stream/playback-signer.ts'
import type { Policy } from '../uploads/policy.ts'
import type { ReportScope } from './known-variables.ts'
import {
  type Environment,
  type EnvironmentReader,
  type Reports,
  createEnvironmentReader,
} from './environment-reader.ts'
import { type CallbackConfig, readCallbacks } from './callbacks.ts'
import { isUnencrypted } from './plain-http.ts'
import { readSigningKey } from './signing-key.ts'

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** Values that both hosts read. */
export interface BaseConfig {
  /** Public origin of the gateway, for browsers and Stream; null if not set. */
  readonly publicURL: string | null
  readonly webhookSecrets: readonly string[]
  /** Signs playback tokens; null to request them from Stream. */
  readonly signingKey: SigningKey | null
  /** Callbacks to the application; null for none. */
  readonly callbacks: CallbackConfig | null
  readonly allowedOrigins: readonly string[]
  readonly maxDurationSeconds: number
  /** Minutes of video per creator; null for no quota. */
  readonly creatorQuotaMinutes: number | null
  readonly createsPerMinute: number
  /** Uid of the watermark profile of every upload; null for none. */
  readonly watermarkUid: string | null
  readonly introspection: boolean
  /** Whether the gateway is also a subgraph of Apollo Federation 2. */
  readonly federation: boolean
  readonly logLevel: LogLevel
}

/** A Cloudflare account, or an emulator that replaces it. */
export interface CloudflareAccount {
  readonly accountId: string
  readonly apiToken: string
  readonly baseURL: string
}

/** The configuration or its errors, and in both cases warnings. Each message begins with the variable's name. */
export type ConfigResult<T> =
  | { readonly kind: 'config'; readonly config: T; readonly warnings: readonly string[] }
  | ({ readonly kind: 'errors' } & Reports)

export type { Environment, EnvironmentReader }

/** Returns the limits that apply to uploads. */
export function policyOf({
  maxDurationSeconds,
  creatorQuotaMinutes,
  createsPerMinute,
  watermarkUid,
}: BaseConfig): Policy {
  return {
    maxDurationSeconds,
    creatorQuotaSeconds: creatorQuotaMinutes === null ? null : creatorQuotaMinutes * 60,
    createsPerMinute,
    watermarkUid,
  }
}

/**
 * Returns the host names that requests may use in addition to local ones, to prevent DNS rebinding. Null allows
 * any host: with authentication enabled, a page of another host has no token.
 */
export function allowedHosts({
  auth,
  publicURL,
}: Pick<BaseConfig, 'publicURL'> & { readonly auth: AuthConfig }): readonly string[] | null {
  if (auth.kind !== 'disabled') return null
  return publicURL === null ? [] : [new URL(publicURL).hostname]
}

/** Default of STREAM_API_BUDGET, in requests per five minutes. */
export const DEFAULT_API_BUDGET = 1000

const CLOUDFLARE_API_URL = 'https://api.cloudflare.com/client/v4'
/** Minimum length in bytes, the output size of HS256: https://www.rfc-editor.org/rfc/rfc7518#section-3.2 */
const MIN_SECRET_BYTES = 32
/** Minimum length; Stream's secrets have 32 hex digits. */
const MIN_WEBHOOK_SECRET_CHARACTERS = 16
/** Cloudflare's limit for all tokens of an account together, in requests per five minutes. */
const MAX_CLOUDFLARE_BUDGET = 1200

/**
 * Reads the configuration and reports all errors together.
 * @param read reads each variable that it depends on; variables that are set and not read are reported
 */
export function parseEnvironment<T>(
  environment: Environment,
  read: (variables: EnvironmentReader) => T,
  scope: ReportScope = {},
): ConfigResult<T> {
  const variables = createEnvironmentReader(environment)
  const config = read(variables)
  const { errors, warnings } = variables.reports(scope)
  return errors.length === 0
    ? { kind: 'config', config, warnings }
    : { kind: 'errors', errors, warnings }
}

export function readBaseConfig(variables: EnvironmentReader): BaseConfig {
  return {
    publicURL: variables.origin('PUBLIC_URL'),
    webhookSecrets: variables.secrets('STREAM_WEBHOOK_SECRET', MIN_WEBHOOK_SECRET_CHARACTERS),
    signingKey: readSigningKey(variables),
    callbacks: readCallbacks(variables),
    allowedOrigins: variables.origins('ALLOWED_ORIGINS'),
    maxDurationSeconds:
      variables.integer('MAX_DURATION_SECONDS', { from: 1, to: 36_000 }) ?? 36_000,
    creatorQuotaMinutes: variables.integer('CREATOR_QUOTA_MINUTES', { from: 1 }),
    createsPerMinute: variables.integer('RATE_LIMIT_CREATES', { from: 1 }) ?? 60,
    watermarkUid: readWatermarkUid(variables),
    introspection: variables.flag('INTROSPECTION') ?? true,
    federation: variables.flag('FEDERATION') ?? false,
    logLevel: variables.enumValue('LOG_LEVEL', logLevels) ?? 'info',
  }
}

function readWatermarkUid(variables: EnvironmentReader): string | null {
  const uid = variables.text('WATERMARK_UID')
  if (uid === null || /^[\da-z-]{1,64}$/i.test(uid)) return uid
  return variables.addError(
    'WATERMARK_UID',
    'must be the `uid` of a watermark profile of Stream: at most 64 letters, digits and hyphens.',
  )
}

/**
 * Returns the account; null if it is not configured, incomplete or invalid.
 * @param otherwise end of the message "Set both, or neither …", such as `for the emulator`
 */
export function readAccount(
  variables: EnvironmentReader,
  otherwise: string,
): CloudflareAccount | null {
  const hasId = variables.isSet('CLOUDFLARE_ACCOUNT_ID')
  const hasToken = variables.isSet('CLOUDFLARE_API_TOKEN')
  const accountId = readAccountId(variables)
  const apiToken = readAPIToken(variables)
  if (!hasId && !hasToken) return null
  const baseURL = readBaseURL(variables)
  if (!hasToken) {
    variables.addError(
      'CLOUDFLARE_API_TOKEN',
      `is missing, but CLOUDFLARE_ACCOUNT_ID is set. Set both, or neither ${otherwise}.`,
    )
  }
  if (!hasId) {
    variables.addError(
      'CLOUDFLARE_ACCOUNT_ID',
      `is missing, but CLOUDFLARE_API_TOKEN is set. Set both, or neither ${otherwise}.`,
    )
  }
  return accountId === null || apiToken === null ? null : { accountId, apiToken, baseURL }
}

/** Reads the account id. Rejects characters that would change the path of a request. */
function readAccountId(variables: EnvironmentReader): string | null {
  const accountId = variables.text('CLOUDFLARE_ACCOUNT_ID')
  if (accountId === null || /^[\w-]{1,32}$/.test(accountId)) return accountId
  return variables.addError(
    'CLOUDFLARE_ACCOUNT_ID',
    'must be an account id: at most 32 letters, digits, hyphens and underscores.',
  )
}

/** Reads the API token. Rejects characters that are not allowed in a header. */
function readAPIToken(variables: EnvironmentReader): string | null {
  const token = variables.secret('CLOUDFLARE_API_TOKEN')
  if (token === null || /^[!-~]+$/.test(token)) return token
  return variables.addError(
    'CLOUDFLARE_API_TOKEN',
    'must be a token of printable ASCII characters without a space. Set it exactly as it was issued.',
  )
}

function readBaseURL(variables: EnvironmentReader): string {
  const baseURL = variables.url('CLOUDFLARE_API_BASE_URL')
  if (baseURL === null) return CLOUDFLARE_API_URL
  if (/[?#]/.test(baseURL)) {
    variables.addError('CLOUDFLARE_API_BASE_URL', 'must have neither a query nor a fragment.')
  }
  if (isUnencrypted(baseURL)) {
    variables.warn(
      'CLOUDFLARE_API_BASE_URL',
      'is plain HTTP to another machine: the API token can be read on the network. Use https.',
    )
  }
  return baseURL
}

/**
 * Returns the budget; null if it is not set or invalid. Checks Cloudflare's limit for Cloudflare's host only:
 * an emulator has no limit, and a proxy may have another limit.
 */
export function readApiBudget(
  variables: EnvironmentReader,
  account: CloudflareAccount | null,
): number | null {
  const isCloudflare =
    account !== null &&
    new URL(account.baseURL).hostname.replace(/\.$/, '') === new URL(CLOUDFLARE_API_URL).hostname
  const bounds = isCloudflare ? { from: 10, to: MAX_CLOUDFLARE_BUDGET } : { from: 10 }
  return variables.integer('STREAM_API_BUDGET', bounds)
}

/** @param isLocalOnly whether other machines cannot reach the gateway, so that tokens are optional */
export function readAuth(
  variables: EnvironmentReader,
  { publicURL }: Pick<BaseConfig, 'publicURL'>,
  isLocalOnly: boolean,
): AuthConfig {
  const disabled = variables.flag('AUTH_DISABLED')
  if (disabled === true) return { kind: 'disabled' }
  const hasKeys = variables.isSet('AUTH_JWT_SECRET') || variables.isSet('AUTH_JWKS_URL')
  const secret = readJWTSecret(variables)
  const jwksURL = variables.url('AUTH_JWKS_URL')
  if (!hasKeys) {
    // AUTH_DISABLED=false requires tokens. If it is not set, tokens are required if other machines can reach the
    // gateway.
    if (disabled === false || !isLocalOnly) {
      variables.addError(
        'AUTH_JWT_SECRET',
        'or AUTH_JWKS_URL must be set. Without them, every client that reaches this gateway can create uploads. (AUTH_DISABLED=true accepts that.)',
      )
    }
    return { kind: 'disabled' }
  }
  const issuer = variables.text('AUTH_ISSUER')
  const audience = variables.text('AUTH_AUDIENCE')
  if (jwksURL !== null && isUnencrypted(jwksURL)) {
    variables.warn(
      'AUTH_JWKS_URL',
      'is plain HTTP to another machine: the keys can be replaced on the network. Use https.',
    )
  }
  if (publicURL !== null && isUnencrypted(publicURL)) {
    variables.warn(
      'PUBLIC_URL',
      "is plain HTTP to another machine: callers' tokens can be read on the network. Use https.",
    )
  }
  if (secret !== null && jwksURL !== null && issuer === null) {
    variables.warn(
      'AUTH_JWT_SECRET',
      'and AUTH_JWKS_URL are both set: equal `sub` values are the same creator, whichever of the two verifies the token. Set AUTH_ISSUER if both have the same issuer, or unset one of the two.',
    )
  }
  return {
    kind: 'jwt',
    secret,
    jwksURL: jwksURL === null ? null : new URL(jwksURL),
    issuer,
    audience,
  }
}

/** Returns the secret's bytes, even if they are invalid: the reported error prevents the start. */
function readJWTSecret(variables: EnvironmentReader): Uint8Array | null {
  const secret = variables.secret('AUTH_JWT_SECRET')
  if (secret === null) return null
  const bytes = new TextEncoder().encode(secret)
  if (bytes.length < MIN_SECRET_BYTES) {
    variables.addError('AUTH_JWT_SECRET', `must have at least ${MIN_SECRET_BYTES} bytes.`)
  }
  // A public key is not secret: with its text as HS256 secret, any client could sign tokens.
  if (secret.startsWith('-----BEGIN ')) {
    variables.addError(
      'AUTH_JWT_SECRET',
      'must be an HS256 secret, not a public key. Publish public keys at AUTH_JWKS_URL.',
    )
  }
  return bytes
}
