/** Reads what a tus client asks for: its headers become the same request that GraphQL makes. */
import { parseUploadMetadata } from '../../stream/rest/upload-metadata.ts'
import { MOMENT_RULE, readMoment } from '../../shared/rfc3339.ts'
import type { InputIssue } from '../../uploads/outcomes.ts'
import { MAX_TUS_BYTES, type Policy, longestVideoIn } from '../../uploads/policy.ts'
import type { UploadRequest } from '../../uploads/create/upload-request.ts'

/** Keys that set something; any other goes to meta. Read in any case of letters, as Stream does. */
const SETTINGS = [
  'maxdurationseconds',
  'expiry',
  'requiresignedurls',
  'allowedorigins',
  'thumbnailtimestamppct',
  'scheduleddeletion',
] as const

type Setting = (typeof SETTINGS)[number]

/** By which header, or which of its keys, a field of the request was set. */
const SOURCES: Readonly<Record<string, string>> = {
  sizeBytes: 'Upload-Length',
  maxDurationSeconds: 'maxDurationSeconds',
  allowedOrigins: 'allowedorigins',
  thumbnailTimestampPct: 'thumbnailtimestamppct',
  scheduledDeletion: 'scheduleddeletion',
  idempotencyKey: 'Idempotency-Key',
}

/** The request, or sentences for whoever configures the client, one for each thing that is wrong. */
export type TusTerms = UploadRequest | { readonly problems: readonly string[] }

/** Reads the headers of a creation; what they mean is checked later, with what policy allows. */
export function readTusTerms(headers: Headers, policy: Policy): TusTerms {
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
  const name = takeName(others)

  /** What a setting says; null where it is left out, or wrong and said so. */
  function read<T>(setting: Setting, right: string, parse: (text: string) => T | null): T | null {
    const text = settings.get(setting)
    if (text === undefined) return null
    const value = text === null ? null : parse(text)
    if (value === null) problems.push(`Upload-Metadata: ${setting} must be ${right}.`)
    return value
  }

  const request: UploadRequest = {
    protocol: 'TUS',
    sizeBytes,
    maxDurationSeconds:
      read('maxdurationseconds', 'a whole number of seconds', readWhole) ??
      longestVideoIn(sizeBytes, policy),
    expiry: read('expiry', MOMENT_RULE, readMoment),
    name,
    meta: Object.fromEntries(others),
    allowedOrigins: read('allowedorigins', 'hosts joined by commas', readHosts),
    requireSignedURLs: settings.has('requiresignedurls')
      ? readFlag(settings.get('requiresignedurls') ?? null, problems)
      : null,
    scheduledDeletion: read('scheduleddeletion', MOMENT_RULE, readMoment),
    thumbnailTimestampPct: read('thumbnailtimestamppct', 'a number from 0 to 1', readShare),
    creator: null,
    idempotencyKey: headers.get('idempotency-key'),
  }
  return problems.length === 0 ? request : { problems }
}

/** An issue of the request in the words of its headers. */
export function sayTusIssue({ path, message }: InputIssue): string {
  const [field = '', ...rest] = path
  return `${[SOURCES[field] ?? field, ...rest].join('.')}: ${message}`
}

/** Bytes; a sentence where the header is no length that tus and Stream take. */
function readLength(headers: Headers): number | string {
  const length = headers.get('upload-length')
  if (length !== null && /^\d{1,15}$/.test(length)) return Number(length)
  const asked = `Upload-Length: must be the exact size of the file in bytes, from 1 to ${MAX_TUS_BYTES} (30 GB).`
  return headers.has('upload-defer-length')
    ? `${asked} Stream takes no deferred length: set \`uploadLengthDeferred\` to false.`
    : asked
}

/** Clients write it under one of two keys; an empty one is none. */
function takeName(meta: Map<string, string>): string | null {
  const names = [meta.get('name'), meta.get('filename')]
  meta.delete('name')
  return names.find((name) => name !== undefined && name !== '') ?? null
}

function readWhole(text: string): number | null {
  return /^\d{1,9}$/.test(text) ? Number(text) : null
}

function readShare(text: string): number | null {
  return /^(?:\d|0?\.\d{1,12}|\d\.\d{1,12})$/.test(text) ? Number(text) : null
}

function readHosts(text: string): string[] {
  return text.split(',').map((host) => host.trim())
}

/** At Stream the key's presence counts, whatever its value: who writes "false" means the opposite. */
function readFlag(value: string | null, problems: string[]): boolean | null {
  if (value === null || value === 'true') return true
  problems.push(
    'Upload-Metadata: requiresignedurls must have no value, or "true": leave the key out for a public video.',
  )
  return null
}
