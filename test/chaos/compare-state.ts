/** The gateway's books and Stream's, read to the last page, so that they can be compared. */
import { z } from 'zod'
import { type UploadStatus, uploadStatuses } from '../../src/uploads/upload.ts'
import type { EmulatorState } from '../kit/emulator.ts'
import { readPages } from '../kit/pages.ts'
import type { Line } from './retrying-client.ts'
import type { Setup } from './setup.ts'

const uploadSchema = z.object({
  uid: z.string(),
  status: z.enum(uploadStatuses),
  version: z.number(),
  meta: z.object({ chaos: z.string().optional() }),
  progress: z.object({ receivedBytes: z.number().nullable() }),
  history: z.array(z.object({ status: z.enum(uploadStatuses), at: z.iso.datetime() })),
  video: z.object({ readyAt: z.iso.datetime().nullable() }).nullable(),
})
/** An upload as an administrator sees it. */
export type KnownUpload = z.infer<typeof uploadSchema>

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
        status
        version
        meta
        progress {
          receivedBytes
        }
        history {
          status
          at
        }
        video {
          readyAt
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`

/** Every upload that the gateway knows, newest first. */
export async function allUploads(admin: Line): Promise<readonly KnownUpload[]> {
  return readPages(async (after) => (await admin.ask(pageSchema, PAGE, { after })).uploads)
}

/** What both say at one moment. */
export interface Books {
  readonly uploads: readonly KnownUpload[]
  readonly reservedSeconds: number
  readonly stream: EmulatorState
}

const usageSchema = z.object({ storageUsage: z.object({ reservedMinutes: z.number() }) })

export async function readBooks({ admin, emulator }: Setup): Promise<Books> {
  const uploads = await allUploads(admin)
  const { storageUsage } = await admin.ask(usageSchema, '{ storageUsage { reservedMinutes } }')
  // Minutes are a fraction; seconds are whole.
  const reservedSeconds = Math.round(storageUsage.reservedMinutes * 60 * 1e6) / 1e6
  return { uploads, reservedSeconds, stream: await emulator.state() }
}

type StreamVideo = EmulatorState['videos'][number]

/** What the gateway must say of a video that stands so at Stream. */
export function trueStatus(video: StreamVideo | undefined): UploadStatus {
  if (video === undefined) return 'DELETED'
  switch (video.state) {
    case 'pendingupload':
      if (video.lapsed) return 'EXPIRED'
      return video.receivedBytes > 0 ? 'UPLOADING' : 'PENDING_UPLOAD'
    case 'queued':
      return 'QUEUED'
    case 'inprogress':
      return 'IN_PROGRESS'
    case 'ready':
      return 'READY'
    case 'error':
      return 'ERROR'
  }
}

/** Where the two differ, by what kind of loss it is. */
export interface Differences {
  readonly wrongStatus: readonly string[]
  readonly unknownVideos: readonly string[]
  readonly twiceForOneKey: readonly string[]
  /** What the gateway holds back beyond what Stream does; below 0, too little. */
  readonly reservedTooMuch: number
}

export function compareBooks({ uploads, reservedSeconds, stream }: Books): Differences {
  const videos = new Map(stream.videos.map((video) => [video.uid, video]))
  const known = new Set(uploads.map(({ uid }) => uid))
  return {
    wrongStatus: uploads.flatMap(({ uid, status, progress }) => {
      const video = videos.get(uid)
      const right = trueStatus(video)
      if (status !== right) return [`${uid} is ${status}, at Stream ${right}`]
      if (right !== 'UPLOADING' || progress.receivedBytes === video?.receivedBytes) return []
      return [`${uid} has ${progress.receivedBytes} bytes, at Stream ${video?.receivedBytes}`]
    }),
    unknownVideos: stream.videos
      .filter(({ uid }) => !known.has(uid))
      .map(({ uid, meta, state }) => `${uid} (${keyIn(meta) ?? 'no key'}, ${state})`),
    twiceForOneKey: [
      ...keptTwice(uploads.map(({ uid, meta }) => ({ uid, key: meta.chaos }))),
      ...keptTwice(stream.videos.map(({ uid, meta }) => ({ uid, key: keyIn(meta) }))),
    ],
    reservedTooMuch: reservedSeconds - stream.reservedSeconds,
  }
}

function keyIn(meta: StreamVideo['meta']): string | undefined {
  const key = meta['chaos']
  return typeof key === 'string' ? key : undefined
}

function keptTwice(kept: readonly { uid: string; key: string | undefined }[]): string[] {
  const uids = new Map<string, Set<string>>()
  for (const { uid, key } of kept) {
    if (key !== undefined) uids.set(key, (uids.get(key) ?? new Set()).add(uid))
  }
  return [...uids]
    .filter(([, ofKey]) => ofKey.size > 1)
    .map(([key, ofKey]) => `${key}: ${[...ofKey].join(', ')}`)
}

export function isEqual(differences: Differences): boolean {
  const { wrongStatus, unknownVideos, twiceForOneKey, reservedTooMuch } = differences
  return (
    wrongStatus.length + unknownVideos.length + twiceForOneKey.length === 0 && reservedTooMuch === 0
  )
}
