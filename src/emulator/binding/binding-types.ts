/**
 * The Workers binding `env.STREAM` as Cloudflare documents it, as far as an emulator goes. An object
 * of these types can stand wherever a Worker expects Cloudflare's own `StreamBinding`.
 * https://developers.cloudflare.com/stream/manage-video-library/bindings/
 */

/** How a moment is compared. */
export type Comparison = 'eq' | 'gt' | 'gte' | 'lt' | 'lte'

/** Moments are RFC 3339, with as many as nine digits of fraction. */
export interface VideosListParams {
  /** 1 to 1000; 1000 where left out. */
  limit?: number
  before?: string
  /** @default 'lt' */
  beforeComp?: Comparison
  after?: string
  /** @default 'gte' */
  afterComp?: Comparison
}

export interface DirectUploadParams {
  /** 1 to 36000 seconds. */
  maxDurationSeconds: number
  /** 2 minutes to 6 hours ahead; 30 minutes where left out. */
  expiry?: string
  creator?: string
  meta?: Record<string, string>
  allowedOrigins?: string[]
  requireSignedURLs?: boolean
  thumbnailTimestampPct?: number
  scheduledDeletion?: string | null
  /** The emulator has no watermark profiles: any is refused. */
  watermark?: { id: string }
}

export interface DirectUpload {
  /** For one multipart POST of at most 200 MB. */
  uploadURL: string
  id: string
  watermark: null
  scheduledDeletion: string | null
}

export interface UpdateVideoParams {
  allowedOrigins?: string[]
  creator?: string
  maxDurationSeconds?: number
  meta?: Record<string, string>
  requireSignedURLs?: boolean
  scheduledDeletion?: string | null
  thumbnailTimestampPct?: number
}

/** A video; -1 stands for what is not known yet. */
export interface BoundVideo {
  id: string
  creator: string | null
  thumbnail: string
  thumbnailTimestampPct: number
  readyToStream: boolean
  readyToStreamAt: string | null
  status: {
    state: string
    step?: string
    pctComplete?: string
    errorReasonCode: string
    errorReasonText: string
  }
  meta: Record<string, string>
  created: string
  modified: string
  scheduledDeletion: string | null
  size: number
  preview?: string
  allowedOrigins: string[]
  requireSignedURLs: boolean | null
  uploaded: string | null
  uploadExpiry: string | null
  maxSizeBytes: number | null
  maxDurationSeconds: number | null
  duration: number
  input: { width: number; height: number }
  hlsPlaybackUrl: string
  dashPlaybackUrl: string
  watermark: null
  liveInputId?: string | null
  clippedFromId: string | null
  publicDetails: {
    title: string | null
    share_link: string | null
    channel_link: string | null
    logo: string | null
  } | null
}

/** A call that the binding has and the emulator has not: it throws, and says what is missing. */
export type Missing = () => Promise<never>

export interface VideoHandle {
  id: string
  details(): Promise<BoundVideo>
  update(params: UpdateVideoParams): Promise<BoundVideo>
  delete(): Promise<void>
  generateToken: Missing
  downloads: { generate: Missing; get: Missing; delete: Missing }
  captions: { upload: Missing; generate: Missing; list: Missing; delete: Missing }
}

/** `env.STREAM`. */
export interface StreamBinding {
  createDirectUpload(params: DirectUploadParams): Promise<DirectUpload>
  /** Asks nothing by itself. */
  video(id: string): VideoHandle
  videos: { list(params?: VideosListParams): Promise<BoundVideo[]> }
  upload: Missing
  watermarks: { generate: Missing; list: Missing; get: Missing; delete: Missing }
}
