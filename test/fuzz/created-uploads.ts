/** What hostile inputs have made of uploads: nothing that policy forbids, and no more than allowed. */
import { z } from 'zod'
import type { EmulatorState } from '../kit/emulator.ts'
import { readPages } from '../kit/pages.ts'
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
type MadeUpload = z.infer<typeof uploadSchema>

const pageSchema = z.object({
  uploads: z.object({
    nodes: z.array(uploadSchema),
    pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() }),
  }),
})

const PAGE = /* GraphQL */ `
  query ($after: String) {
    uploads(first: 100, after: $after) {
      nodes {
        uid
        protocol
        creator
        meta
        createdAt
        expiresAt
        constraints {
          maxDurationSeconds
          maxSizeBytes
          allowedOrigins
          scheduledDeletion
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`

/** Every upload that the gateway knows. */
export async function readUploads(admin: RetryingClient): Promise<readonly MadeUpload[]> {
  return readPages(async (after) => (await admin.request(pageSchema, PAGE, { after })).uploads)
}

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
/** Between the moment that a request is judged and the one that is written down. */
const SLACK_MS = 5000
/** By which the gateway knows its own again; nobody else may write it. */
const OWN_KEY = 'headgate'
const STREAM_KEYS = /^(?:maxdurationseconds|expiry|requiresignedurls|allowedorigins|watermark)$/i

export interface MintingRules {
  readonly maxDurationSeconds: number
  readonly createsPerMinute: number
  /** How many callers may mint. */
  readonly callers: number
}

/** Each upload that is wider than policy, or another at Stream than in the books. */
export function forbiddenUploads(
  uploads: readonly MadeUpload[],
  { videos }: EmulatorState,
  rules: MintingRules,
): string[] {
  const known = new Map(uploads.map((upload) => [upload.uid, upload]))
  return [
    ...uploads.flatMap((upload) =>
      issuesOf(upload, rules).map((issue) => `${upload.uid} ${issue}`),
    ),
    ...videos.flatMap((video) => {
      const upload = known.get(video.uid)
      if (upload === undefined) return [`${video.uid} is at Stream and nowhere else`]
      return differences(upload, video).map((issue) => `${video.uid} ${issue}`)
    }),
  ]
}

function issuesOf(upload: MadeUpload, rules: MintingRules): string[] {
  const { protocol, creator, meta, createdAt, expiresAt, constraints } = upload
  const created = Date.parse(createdAt)
  const livesMs = Date.parse(expiresAt) - created
  const { maxDurationSeconds, maxSizeBytes, scheduledDeletion } = constraints
  const keptMs = scheduledDeletion === null ? null : Date.parse(scheduledDeletion) - created
  const mostBytes = protocol === 'TUS' ? MAX_TUS_BYTES : MAX_BASIC_BYTES
  const isLong = maxDurationSeconds < 1 || maxDurationSeconds > rules.maxDurationSeconds
  const expiresOddly = livesMs < 2 * MINUTE_MS - SLACK_MS || livesMs > 360 * MINUTE_MS + SLACK_MS
  const goesOddly =
    keptMs !== null && (keptMs < 30 * DAY_MS - SLACK_MS || keptMs > 1096 * DAY_MS + SLACK_MS)
  return [
    ...(isLong ? [`lasts ${maxDurationSeconds} s`] : []),
    ...(maxSizeBytes < 1 || maxSizeBytes > mostBytes ? [`has ${maxSizeBytes} bytes`] : []),
    ...(expiresOddly ? [`lapses after ${livesMs} ms`] : []),
    ...(goesOddly ? [`is deleted after ${keptMs} ms`] : []),
    ...(isValidCreator(creator) ? [] : [`belongs to ${JSON.stringify(creator)}`]),
    ...(Object.keys(meta).some((key) => key.toLowerCase() === OWN_KEY) ? ['has our own key'] : []),
  ]
}

function differences(upload: MadeUpload, video: EmulatorState['videos'][number]): string[] {
  const keys = Object.keys(video.meta)
  const { maxDurationSeconds, maxSizeBytes } = upload.constraints
  const isTus = upload.protocol === 'TUS'
  // Stream is told whole seconds, cut off.
  const early = Date.parse(upload.expiresAt) - Date.parse(video.uploadExpiry)
  return [
    ...(video.maxDurationSeconds > maxDurationSeconds ? ['lasts longer at Stream'] : []),
    ...(early < 0 || early > 1000 ? [`lapses ${early} ms earlier at Stream`] : []),
    ...(video.creator === upload.creator ? [] : ['belongs to another at Stream']),
    ...(isTus && video.uploadLength !== maxSizeBytes ? ['is of another size at Stream'] : []),
    ...(keys.filter((key) => key === OWN_KEY).length === 1
      ? []
      : ['has not our own key at Stream']),
    ...(isTus && keys.some((key) => STREAM_KEYS.test(key)) ? ['has a constraint in its meta'] : []),
  ]
}

/** How many uploads were minted in the minute in which most were. */
export function mostInOneMinute(mintedAt: readonly number[]): number {
  // Somewhat less than a minute: the log speaks a little later than the limit counts.
  const window = MINUTE_MS - SLACK_MS
  const times = mintedAt.toSorted((a, b) => a - b)
  let first = 0
  let most = 0
  for (const [index, time] of times.entries()) {
    while ((times[first] ?? time) <= time - window) first += 1
    most = Math.max(most, index - first + 1)
  }
  return most
}
