/** `headgate token`: signs a caller's token, to try the gateway and for upload links of guests. */
import { randomUUID } from 'node:crypto'
import { SignJWT, type JWTPayload } from 'jose'
import { readAuthConfig } from '../config/node-config.ts'
import { readCallerClaims } from '../http/auth/caller-claims.ts'
import type { JsonObject } from '../shared/json.ts'
import { CREATOR_RULE, isValidCreator } from '../uploads/limits.ts'
import { readConfigOrReport } from './read-config.ts'

/** Flags of the command, as text. */
export interface TokenOptions {
  readonly sub: string
  readonly admin?: boolean
  readonly play?: boolean
  readonly expires: string
  readonly maxDuration?: string
  readonly maxSize?: string
  readonly quotaMinutes?: string
  readonly createsPerMinute?: string
  readonly maxUploads?: string
}

/** The limits: option, flag, key in the claim `headgate`, and what the value counts. */
const LIMITS = [
  ['maxUploads', '--max-uploads', 'maxUploads', 'uploads in all'],
  ['maxDuration', '--max-duration', 'maxDurationSeconds', 'seconds of a video'],
  ['maxSize', '--max-size', 'maxSizeBytes', 'bytes of a file'],
  ['quotaMinutes', '--quota-minutes', 'quotaMinutes', 'minutes of video, reserved and stored'],
  ['createsPerMinute', '--creates-per-minute', 'createsPerMinute', 'uploads per minute'],
] as const

const SECONDS_PER_UNIT = { s: 1, m: 60, h: 3600, d: 86_400 } as const

/** Prints the token on standard output, and what it allows on standard error. */
export async function signToken(options: TokenOptions): Promise<number> {
  const auth = readConfigOrReport(readAuthConfig)
  if (auth === null) return 1
  if (auth.kind === 'disabled' || auth.secret === null) {
    throw new Error(
      auth.kind === 'jwt'
        ? 'AUTH_JWT_SECRET is not set, and only the identity provider of AUTH_JWKS_URL can sign tokens. Set AUTH_JWT_SECRET for this command and for the gateway.'
        : 'AUTH_JWT_SECRET is not set. Set it to the secret of the gateway, at least 32 bytes.',
    )
  }
  const payload = payloadOf(options, new Date())
  const token = await new SignJWT({
    ...payload,
    ...(auth.issuer === null ? {} : { iss: auth.issuer }),
    ...(auth.audience === null ? {} : { aud: auth.audience }),
  })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(auth.secret)
  process.stderr.write(describeToken(options, payload))
  process.stdout.write(`${token}\n`)
  return 0
}

/** Throws an error with the rule if a flag is invalid. */
function payloadOf(options: TokenOptions, now: Date): JWTPayload {
  if (!isValidCreator(options.sub)) throw new Error(`--sub ${CREATOR_RULE}`)
  const issuedAt = Math.floor(now.getTime() / 1000)
  const scopes = [
    ...(options.admin === true ? ['uploads:admin'] : []),
    ...(options.play === true ? ['videos:play'] : []),
  ]
  const claim = claimOf(options)
  const payload: JWTPayload = {
    sub: options.sub,
    jti: randomUUID(),
    iat: issuedAt,
    exp: issuedAt + secondsOf(options.expires),
    ...(scopes.length === 0 ? {} : { scope: scopes.join(' ') }),
    ...(Object.keys(claim).length === 0 ? {} : { headgate: claim }),
  }
  const limits = readCallerClaims(payload)
  if (limits !== null && 'reason' in limits) throw new Error(limits.message)
  return payload
}

function claimOf(options: TokenOptions): JsonObject {
  const claim: Record<string, number> = {}
  for (const [option, flag, key] of LIMITS) {
    const text = options[option]
    if (text === undefined) continue
    if (!/^\d{1,16}(?:\.\d{1,9})?$/.test(text)) throw new Error(`${flag} must be a number.`)
    claim[key] = Number(text)
  }
  return claim
}

function secondsOf(expires: string): number {
  const [, count = '0', unit = ''] = /^(\d{1,5})([smhd])$/.exec(expires) ?? []
  const seconds = isUnit(unit) ? Number(count) * SECONDS_PER_UNIT[unit] : 0
  if (seconds > 0) return seconds
  throw new Error('--expires must be a number with a unit, such as 90s, 15m, 1h or 7d.')
}

function isUnit(text: string): text is keyof typeof SECONDS_PER_UNIT {
  return Object.hasOwn(SECONDS_PER_UNIT, text)
}

function describeToken(options: TokenOptions, { sub, exp = 0 }: JWTPayload): string {
  const limits = LIMITS.flatMap(([option, , , counted]) => {
    const value = options[option]
    return value === undefined ? [] : [`${counted}: at most ${value}`]
  })
  return [
    `A token of ${sub}, valid until ${new Date(exp * 1000).toISOString()}.`,
    ...(options.admin === true
      ? ['  administrator: sees, changes and deletes the uploads of every creator']
      : []),
    ...(options.play === true ? ['  plays the videos of every creator'] : []),
    ...(limits.length === 0
      ? ['  limits: those of the gateway']
      : limits.map((line) => `  ${line}`)),
    '',
  ].join('\n')
}
