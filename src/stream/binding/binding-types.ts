/**
 * The used part of the Workers binding `env.STREAM`: parameters are typed, results are `unknown` and
 * read leniently. https://developers.cloudflare.com/stream/manage-video-library/bindings/
 */

/** Parameters of `createDirectUpload`. Times are RFC 3339; omitted fields use Stream's defaults. */
export interface BindingUploadParams {
  readonly maxDurationSeconds: number
  readonly expiry: string
  readonly creator?: string
  readonly meta: Record<string, string>
  readonly allowedOrigins: string[]
  readonly requireSignedURLs: boolean
  readonly thumbnailTimestampPct?: number
  readonly scheduledDeletion?: string
  readonly watermark?: { readonly id: string }
}

/** Parameters of `update`. The expiry of a pending upload cannot be changed. */
export interface BindingVideoUpdate {
  readonly maxDurationSeconds?: number
  readonly creator?: string
  readonly meta?: Record<string, string>
  readonly allowedOrigins?: string[]
  readonly requireSignedURLs?: boolean
  readonly scheduledDeletion?: string | null
  readonly thumbnailTimestampPct?: number
}

/** Parameters of `videos.list`: only filters by creation time. The result is newest first. */
export interface BindingListParams {
  readonly limit?: number
  readonly before?: string
  readonly beforeComp?: 'lt' | 'lte'
  readonly after?: string
  readonly afterComp?: 'gt' | 'gte'
}

/** Handle of one video; creating it sends no request. */
export interface BindingVideoHandle {
  details(): Promise<unknown>
  update(change: BindingVideoUpdate): Promise<unknown>
  delete(): Promise<unknown>
  /** Has no parameters: the token is valid for an hour and allows no downloads. */
  generateToken(): Promise<unknown>
}

/** `env.STREAM`, or a compatible implementation. */
export interface StreamBinding {
  createDirectUpload(params: BindingUploadParams): Promise<unknown>
  video(id: string): BindingVideoHandle
  readonly videos: { list(params?: BindingListParams): Promise<unknown> }
}
