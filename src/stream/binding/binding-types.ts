/**
 * The Workers binding `env.STREAM`, as narrow as we use it: what is sent is typed, what comes back
 * is read leniently. https://developers.cloudflare.com/stream/manage-video-library/bindings/
 */

/** What `createDirectUpload` takes. Moments are RFC 3339; what is left out is Stream's default. */
export interface BoundUploadParams {
  readonly maxDurationSeconds: number
  readonly expiry: string
  readonly creator?: string
  readonly meta: Record<string, string>
  readonly allowedOrigins: string[]
  readonly requireSignedURLs: boolean
  readonly thumbnailTimestampPct?: number
  readonly scheduledDeletion?: string
}

/** What `update` takes. A pending upload's deadline is not among it. */
export interface BoundChange {
  readonly maxDurationSeconds?: number
  readonly creator?: string
  readonly meta?: Record<string, string>
  readonly allowedOrigins?: string[]
  readonly requireSignedURLs?: boolean
  readonly scheduledDeletion?: string | null
  readonly thumbnailTimestampPct?: number
}

/** What `videos.list` takes: no filter but the time of creation. It answers newest first. */
export interface BoundListParams {
  readonly limit?: number
  readonly before?: string
  readonly beforeComp?: 'lt' | 'lte'
  readonly after?: string
  readonly afterComp?: 'gt' | 'gte'
}

/** One video's handle; to have it asks nothing. */
export interface BoundVideoHandle {
  details(): Promise<unknown>
  update(change: BoundChange): Promise<unknown>
  delete(): Promise<unknown>
}

/** `env.STREAM`, and whatever else keeps its promises. */
export interface StreamBinding {
  createDirectUpload(params: BoundUploadParams): Promise<unknown>
  video(id: string): BoundVideoHandle
  readonly videos: { list(params?: BoundListParams): Promise<unknown> }
}
