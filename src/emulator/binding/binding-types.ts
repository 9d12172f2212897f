/**
 * Types of the Workers binding `env.STREAM` as Cloudflare documents it, as far as the emulator
 * implements it. They are assignable to Cloudflare's own `StreamBinding`.
 * https://developers.cloudflare.com/stream/manage-video-library/bindings/
 */

/** Comparison of timestamps. */
export type Comparison = 'eq' | 'gt' | 'gte' | 'lt' | 'lte'

/** Timestamps are RFC 3339 with up to nine fraction digits. */
export interface VideosListParams {
  /** 1 to 1000. @default 1000 */
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
  /** RFC 3339 time, 2 minutes to 6 hours ahead; 30 minutes when omitted. */
  expiry?: string
  creator?: string
  meta?: Record<string, string>
  allowedOrigins?: string[]
  requireSignedURLs?: boolean
  thumbnailTimestampPct?: number
  scheduledDeletion?: string | null
  watermark?: { id: string }
}

export interface DirectUpload {
  /** For one multipart POST of at most 200 MB. */
  uploadURL: string
  id: string
  watermark: BoundWatermark | null
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

/** Look of a watermark; the defaults are those of the REST API. */
export interface WatermarkParams {
  name?: string
  /** From 0 (transparent) to 1. */
  opacity?: number
  /** Distance to the edges, from 0 to 1 of the video's width. */
  padding?: number
  /** Width, from 0 to 1 of the video's. */
  scale?: number
  position?: BoundWatermark['position']
}

/** A watermark profile. */
export interface BoundWatermark {
  id: string
  name: string
  opacity: number
  padding: number
  scale: number
  position: 'upperRight' | 'upperLeft' | 'lowerLeft' | 'lowerRight' | 'center'
  /** Bytes of the image. */
  size: number
  height: number
  width: number
  created: string
  downloadedFrom: string | null
}

/** A video. Unknown duration and dimensions are -1, an unknown size is 0. */
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
  watermark: BoundWatermark | null
  liveInputId?: string | null
  clippedFromId: string | null
  publicDetails: {
    title: string | null
    share_link: string | null
    channel_link: string | null
    logo: string | null
  } | null
}

/** A call of the binding that the emulator does not implement; it rejects with a `BindingError`. */
export type NotImplemented = () => Promise<never>

export interface VideoHandle {
  id: string
  details(): Promise<BoundVideo>
  update(params: UpdateVideoParams): Promise<BoundVideo>
  delete(): Promise<void>
  /** Returns a token that plays the video for an hour. */
  generateToken(): Promise<string>
  downloads: { generate: NotImplemented; get: NotImplemented; delete: NotImplemented }
  captions: {
    upload: NotImplemented
    generate: NotImplemented
    list: NotImplemented
    delete: NotImplemented
  }
}

/** `env.STREAM`. */
export interface StreamBinding {
  createDirectUpload(params: DirectUploadParams): Promise<DirectUpload>
  /** Sends no request by itself. */
  video(id: string): VideoHandle
  videos: { list(params?: VideosListParams): Promise<BoundVideo[]> }
  upload: NotImplemented
  watermarks: {
    /** @param image a PNG, or the URL of one on this machine */
    generate(
      image: ReadableStream<Uint8Array> | string,
      params?: WatermarkParams,
    ): Promise<BoundWatermark>
    list(): Promise<BoundWatermark[]>
    get(id: string): Promise<BoundWatermark>
    delete(id: string): Promise<void>
  }
}
