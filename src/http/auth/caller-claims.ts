/**
 * Reads the claim `headgate`, which contains the limits and forced settings of a caller. An unknown key or a value
 * of another type makes the token invalid, so that a mistyped limit is never no limit.
 */
import type { JWTPayload } from 'jose'
import {
  type JsonObject,
  STORABLE_JSON_RULE,
  isJsonObject,
  isStorableJson,
} from '../../shared/json.ts'
import type { CallerLimits } from '../../uploads/caller-limits.ts'
import { validateMeta } from '../../uploads/create/validate-meta.ts'
import { isWellFormed } from '../../uploads/create/well-formed.ts'
import { validateName, validateOrigins } from '../../uploads/create/validate-request.ts'
import type { InputIssue } from '../../uploads/outcomes.ts'
import type { TokenRejection } from './token-rejection.ts'

/** Largest value of counts, in the range of the databases. */
const MAX_COUNT = 1_000_000_000
/** With each upload, the store counts the uploads of its token. */
const MAX_TOKEN_UPLOADS = 10_000
const MAX_RATE = 1_000_000

const TOKEN_ID = /^[\x21-\x7e]{1,255}$/
const WATERMARK_UID = /^[\da-z-]{1,64}$/i

/** How the value of a key is read: null if it breaks the rule, which is the end of a sentence. */
interface Reader<T> {
  readonly rule: string
  readonly read: (value: unknown) => T | null
}

const readers = {
  maxDurationSeconds: wholeNumber(MAX_COUNT, 'seconds'),
  maxSizeBytes: wholeNumber(Number.MAX_SAFE_INTEGER, 'bytes'),
  quotaMinutes: {
    rule: `must be a number of minutes from 0 to ${MAX_COUNT}.`,
    read: (value) => (typeof value === 'number' && value >= 0 && value <= MAX_COUNT ? value : null),
  } satisfies Reader<number>,
  createsPerMinute: wholeNumber(MAX_RATE, 'uploads'),
  maxUploads: wholeNumber(MAX_TOKEN_UPLOADS, 'uploads'),
  requireSignedURLs: {
    rule: 'must be true, or omitted.',
    read: (value) => (value === true ? value : null),
  } satisfies Reader<true>,
  allowedOrigins: {
    rule: 'must be a list of 1 to 100 hosts such as "example.com", without scheme and path.',
    read: (value) => (isHostList(value) ? value : null),
  } satisfies Reader<readonly string[]>,
  watermark: {
    rule: 'must be the uid of a watermark profile of Stream: at most 64 letters, digits and hyphens.',
    read: (value) => (typeof value === 'string' && WATERMARK_UID.test(value) ? value : null),
  } satisfies Reader<string>,
  meta: {
    rule: `must be an object that is valid as \`meta\` of a tus upload, ${STORABLE_JSON_RULE}.`,
    read: (value) => (isJsonObject(value) && isValidMeta(value) ? value : null),
  } satisfies Reader<JsonObject>,
}

/**
 * Returns what the claim `headgate` of a verified token contains, null if it has none, or why the token is
 * invalid.
 */
export function readCallerClaims(payload: JWTPayload): CallerLimits | null | TokenRejection {
  const claim = payload['headgate']
  if (claim === undefined) return null
  if (!isJsonObject(claim)) return rejection('headgate', 'must be an object.')
  const unknownKey = Object.keys(claim).find((key) => !Object.hasOwn(readers, key))
  if (unknownKey !== undefined) {
    return rejection('headgate', `has an unknown key ${shorten(unknownKey)}. ${KNOWN_KEYS}`)
  }
  const invalid = Object.entries(readers).find(
    ([key, { read }]) => claim[key] !== undefined && read(claim[key]) === null,
  )
  if (invalid !== undefined) return rejection(`headgate.${invalid[0]}`, invalid[1].rule)

  const maxUploads = readers.maxUploads.read(claim['maxUploads'])
  const tokenId = readTokenId(payload)
  if (maxUploads !== null && tokenId === null) return rejection('jti', TOKEN_ID_RULE)
  return {
    maxDurationSeconds: readers.maxDurationSeconds.read(claim['maxDurationSeconds']),
    maxSizeBytes: readers.maxSizeBytes.read(claim['maxSizeBytes']),
    quotaMinutes: readers.quotaMinutes.read(claim['quotaMinutes']),
    createsPerMinute: readers.createsPerMinute.read(claim['createsPerMinute']),
    tokenLimit: maxUploads === null || tokenId === null ? null : { tokenId, maxUploads },
    forced: {
      requireSignedURLs: readers.requireSignedURLs.read(claim['requireSignedURLs']),
      allowedOrigins: readers.allowedOrigins.read(claim['allowedOrigins']),
      watermarkUid: readers.watermark.read(claim['watermark']),
      meta: readers.meta.read(claim['meta']),
    },
  }
}

const KNOWN_KEYS = `The keys are ${Object.keys(readers).join(', ')}.`

const TOKEN_ID_RULE =
  'must have 1 to 255 printable ASCII characters without spaces, because `headgate.maxUploads` counts by it.'

function readTokenId({ jti }: JWTPayload): string | null {
  // jose does not check that `jti` is a string.
  const tokenId: unknown = jti
  return typeof tokenId === 'string' && TOKEN_ID.test(tokenId) ? tokenId : null
}

function wholeNumber(max: number, unit: string): Reader<number> {
  return {
    rule: `must be a whole number of ${unit} from 1 to ${max}.`,
    read: (value) =>
      typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= max
        ? value
        : null,
  }
}

function isHostList(value: unknown): value is readonly string[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((host) => typeof host === 'string') &&
    validateOrigins(value).length === 0
  )
}

/** Checks the nesting first: the other checks are recursive. */
function isValidMeta(meta: JsonObject): boolean {
  return isStorableJson(meta) && issuesOfMeta(meta).length === 0
}

/** Checks the rules of a tus upload, which are the stricter ones. A name must be text. */
function issuesOfMeta(meta: JsonObject): readonly InputIssue[] {
  const { name } = meta
  const issues = validateMeta({ protocol: 'TUS', meta })
  if (!Object.hasOwn(meta, 'name')) return issues
  return typeof name === 'string'
    ? [...issues, ...validateName({ name, meta: null })]
    : [...issues, { path: ['name'], message: 'must be text.' }]
}

/** Returns the key in quotes, without control characters and halves of surrogate pairs. */
function shorten(key: string): string {
  const text = isWellFormed(key) ? key : '…'
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text)
}

function rejection(claim: string, rule: string): TokenRejection {
  return { reason: `claim ${claim}`, message: `The token's \`${claim}\` ${rule}` }
}
