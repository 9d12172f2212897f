/** Parses the headers of a tus creation into the `UploadRequest` that GraphQL mutations use too. */
import { parseUploadMetadata } from './upload-metadata.ts'
import { RFC3339_RULE, parseRfc3339 } from '../../shared/rfc3339.ts'
import type { InputIssue } from '../../uploads/outcomes.ts'
import type { LimitsInForce } from '../../uploads/caller-limits.ts'
import { maxDurationForSize } from '../../uploads/policy.ts'
import { MAX_TUS_BYTES } from '../../uploads/limits.ts'
import type { UploadRequest } from '../../uploads/create/upload-request.ts'

/** Metadata keys that are settings; all others go to `meta`. Case-insensitive, as at Stream. */
const SETTINGS = [
  'maxdurationseconds',
  'expiry',
  'requiresignedurls',
  'allowedorigins',
  'thumbnailtimestamppct',
  'scheduleddeletion',
] as const

type Setting = (typeof SETTINGS)[number]

/** Header or metadata key that a field of the request comes from, for error messages. */
const SOURCES: Readonly<Record<string, string>> = {
  sizeBytes: 'Upload-Length',
  maxDurationSeconds: 'maxDurationSeconds',
  allowedOrigins: 'allowedorigins',
  thumbnailTimestampPct: 'thumbnailtimestamppct',
  scheduledDeletion: 'scheduleddeletion',
  idempotencyKey: 'Idempotency-Key',
}

/** The request, or one message per error, for the developer of the client. */
export type TusCreation = UploadRequest | { readonly problems: readonly string[] }

/** Parses the syntax only; `createUpload` validates the values against the caller's limits. */
export function parseTusCreation(
  headers: Headers,
  limits: Pick<LimitsInForce, 'maxDurationSeconds'>,
): TusCreation {
  const sizeBytes = readLength(headers)
  if (typeof sizeBytes === 'string') return { problems: [sizeBytes] }
  const metadata = parseUploadMetadata(headers.get('upload-metadata') ?? '')
  if ('problem' in metadata) return { problems: [metadata.problem] }

  const problems: string[] = []
  const settings = new Map<Setting, string | null>()
  const others = new Map<string, string>()
  for (const [key, value] of metadata) {
    const setting = SETTINGS.find((name) => name === key.toLowerCase())
    if (setting !== undefined) settings.set(setting, value)
    else others.set(key, value ?? '')
  }
  const name = extractName(others)

  /** Returns a setting's value; null if it is missing, or invalid: then a message is added to `problems`. */
  function read<T>(setting: Setting, rule: string, parse: (text: string) => T | null): T | null {
    const text = settings.get(setting)
    if (text === undefined) return null
    const value = text === null ? null : parse(text)
    if (value === null) problems.push(`Upload-Metadata: ${setting} must be ${rule}.`)
    return value
  }

  const request: UploadRequest = {
    protocol: 'TUS',
    sizeBytes,
    maxDurationSeconds:
      read('maxdurationseconds', 'a whole number of seconds', readInteger) ??
      maxDurationForSize(sizeBytes, limits),
    expiry: read('expiry', RFC3339_RULE, parseRfc3339),
    name,
    meta: Object.fromEntries(others),
    allowedOrigins: read(
      'allowedorigins',
      'a JSON array of hosts, or hosts joined by commas',
      readHosts,
    ),
    requireSignedURLs: settings.has('requiresignedurls')
      ? readFlag(settings.get('requiresignedurls') ?? null, problems)
      : null,
    scheduledDeletion: read('scheduleddeletion', RFC3339_RULE, parseRfc3339),
    thumbnailTimestampPct: read('thumbnailtimestamppct', 'a number from 0 to 1', readFraction),
    creator: null,
    idempotencyKey: headers.get('idempotency-key'),
  }
  return problems.length === 0 ? request : { problems }
}

/** Formats a validation issue with the header or metadata key instead of the field's name. */
export function formatTusIssue({ path, message }: InputIssue): string {
  const [field = '', ...rest] = path
  return `${[SOURCES[field] ?? field, ...rest].join('.')}: ${message}`
}

/** Returns the size in bytes, or an error message if there is no valid length. */
function readLength(headers: Headers): number | string {
  const length = headers.get('upload-length')
  if (length !== null && /^\d{1,15}$/.test(length)) return Number(length)
  const rule = `Upload-Length: must be the exact size of the file in bytes, from 1 to ${MAX_TUS_BYTES} (30 GB).`
  return headers.has('upload-defer-length')
    ? `${rule} Stream does not support deferred length. Set \`uploadLengthDeferred\` to false.`
    : rule
}

/** Returns `name`, else `filename`; an empty one counts as missing. Removes only `name` from `meta`. */
function extractName(meta: Map<string, string>): string | null {
  const names = [meta.get('name'), meta.get('filename')]
  meta.delete('name')
  return names.find((name) => name !== undefined && name !== '') ?? null
}

function readInteger(text: string): number | null {
  return /^\d{1,9}$/.test(text) ? Number(text) : null
}

/** JavaScript writes up to 17 digits, other languages more. */
function readFraction(text: string): number | null {
  return /^(?:\d(?:\.\d{1,30})?|\.\d{1,30})$/.test(text) ? Number(text) : null
}

/** Reads Stream's two documented forms: an array of strings, and a list with commas. An empty array allows all. */
function readHosts(text: string): readonly string[] | null {
  if (!text.trim().startsWith('[')) return text.split(',').map((host) => host.trim())
  const hosts = parseJson(text)
  return Array.isArray(hosts) && hosts.every((host) => typeof host === 'string') ? hosts : null
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** Rejects "false": Stream treats the key's presence as true, regardless of its value. */
function readFlag(value: string | null, problems: string[]): boolean | null {
  if (value === null || value === 'true') return true
  problems.push(
    'Upload-Metadata: requiresignedurls must have no value, or "true". Omit the key for a public video.',
  )
  return null
}
