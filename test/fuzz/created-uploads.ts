/** Checks the uploads after a run: all comply with the policy and match Stream. */
import { z } from 'zod'
import type { EmulatorState } from '../kit/emulator.ts'
import { readUploads } from '../chaos/read-uploads.ts'
import type { RetryingClient } from '../chaos/retrying-client.ts'
import { MAX_BASIC_BYTES, MAX_TUS_BYTES, isValidCreator } from '../../src/uploads/limits.ts'

const uploadSchema = z.object({
  uid: z.string(),
  protocol: z.enum(['BASIC', 'TUS']),
  creator: z.string(),
  meta: z.record(z.string(), z.json()),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime(),
  constraints: z.object({
    maxDurationSeconds: z.number(),
    maxSizeBytes: z.number(),
    allowedOrigins: z.array(z.string()),
    scheduledDeletion: z.iso.datetime().nullable(),
  }),
})
type CreatedUpload = z.infer<typeof uploadSchema>

/** Reads every upload of the gateway. */
export function readCreatedUploads(admin: RetryingClient): Promise<readonly CreatedUpload[]> {
  return readUploads(
    admin,
    uploadSchema,
    'uid protocol creator meta createdAt expiresAt constraints { maxDurationSeconds maxSizeBytes allowedOrigins scheduledDeletion }',
  )
}

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
/** Tolerance: time between the validation of a request and its `createdAt`. */
const TOLERANCE_MS = 5000
/** Key in `meta` of the reservation id; clients must not be able to write it. */
const RESERVED_KEY = 'headgate'
const STREAM_KEYS = /^(?:maxdurationseconds|expiry|requiresignedurls|allowedorigins|watermark)$/i

export interface CreationLimits {
  readonly maxDurationSeconds: number
  readonly createsPerMinute: number
  /** Number of callers with a valid token. */
  readonly callers: number
}

/** Returns each upload that violates the policy or differs between the gateway and Stream. */
export function uploadViolations(
  uploads: readonly CreatedUpload[],
  { videos }: EmulatorState,
  rules: CreationLimits,
): string[] {
  const known = new Map(uploads.map((upload) => [upload.uid, upload]))
  return [
    ...uploads.flatMap((upload) =>
      issuesOf(upload, rules).map((issue) => `${upload.uid} ${issue}`),
    ),
    ...videos.flatMap((video) => {
      const upload = known.get(video.uid)
      if (upload === undefined) return [`${video.uid} is at Stream only`]
      return differences(upload, video).map((issue) => `${video.uid} ${issue}`)
    }),
  ]
}

function issuesOf(upload: CreatedUpload, rules: CreationLimits): string[] {
  const { protocol, creator, meta, createdAt, expiresAt, constraints } = upload
  const created = Date.parse(createdAt)
  const lifetimeMs = Date.parse(expiresAt) - created
  const { maxDurationSeconds, maxSizeBytes, scheduledDeletion } = constraints
  const deletedAfterMs = scheduledDeletion === null ? null : Date.parse(scheduledDeletion) - created
  const maxBytes = protocol === 'TUS' ? MAX_TUS_BYTES : MAX_BASIC_BYTES
  const hasInvalidDuration = maxDurationSeconds < 1 || maxDurationSeconds > rules.maxDurationSeconds
  const hasInvalidExpiry =
    lifetimeMs < 2 * MINUTE_MS - TOLERANCE_MS || lifetimeMs > 360 * MINUTE_MS + TOLERANCE_MS
  const hasInvalidDeletion =
    deletedAfterMs !== null &&
    (deletedAfterMs < 30 * DAY_MS - TOLERANCE_MS || deletedAfterMs > 1096 * DAY_MS + TOLERANCE_MS)
  return [
    ...(hasInvalidDuration ? [`lasts ${maxDurationSeconds} s`] : []),
    ...(maxSizeBytes < 1 || maxSizeBytes > maxBytes ? [`has ${maxSizeBytes} bytes`] : []),
    ...(hasInvalidExpiry ? [`expires after ${lifetimeMs} ms`] : []),
    ...(hasInvalidDeletion ? [`is deleted after ${deletedAfterMs} ms`] : []),
    ...(isValidCreator(creator) ? [] : [`belongs to ${JSON.stringify(creator)}`]),
    ...(Object.keys(meta).some((key) => key.toLowerCase() === RESERVED_KEY)
      ? ['has the reserved key in its meta']
      : []),
  ]
}

function differences(upload: CreatedUpload, video: EmulatorState['videos'][number]): string[] {
  const keys = Object.keys(video.meta)
  const { maxDurationSeconds, maxSizeBytes } = upload.constraints
  const isTus = upload.protocol === 'TUS'
  // The gateway sends whole seconds to Stream, rounded down.
  const differenceMs = Date.parse(upload.expiresAt) - Date.parse(video.uploadExpiry)
  return [
    ...(video.maxDurationSeconds > maxDurationSeconds ? ['lasts longer at Stream'] : []),
    ...(differenceMs < 0 || differenceMs > 1000
      ? [`expires ${differenceMs} ms earlier at Stream`]
      : []),
    ...(video.creator === upload.creator ? [] : ['has another creator at Stream']),
    ...(isTus && video.uploadLength !== maxSizeBytes ? ['has another size at Stream'] : []),
    ...(keys.filter((key) => key === RESERVED_KEY).length === 1
      ? []
      : ['does not have the reserved key exactly once at Stream']),
    ...(isTus && keys.some((key) => STREAM_KEYS.test(key)) ? ['has a constraint in its meta'] : []),
  ]
}

/** Returns the maximum number of uploads created in one minute. */
export function maxPerMinute(createdTimes: readonly number[]): number {
  // Slightly less than a minute: the log line is written after the rate limit is counted.
  const window = MINUTE_MS - TOLERANCE_MS
  const times = createdTimes.toSorted((a, b) => a - b)
  let first = 0
  let max = 0
  for (const [index, time] of times.entries()) {
    while ((times[first] ?? time) <= time - window) first += 1
    max = Math.max(max, index - first + 1)
  }
  return max
}
