/** StreamApi adapter over the Workers binding `env.STREAM`: no token, basic uploads only. */
import type { PlaybackTokenParams, StreamApi, StreamVideo } from '../../uploads/ports/stream-api.ts'
import { callOrNotFound, callBinding } from './call-binding.ts'
import { type ListedVideo, listByUids, listByTime } from './list-videos.ts'
import { type BindingCall, invalidResponseError, unsupportedError } from './binding-errors.ts'
import type { BindingListParams, StreamBinding } from './binding-types.ts'
import {
  toBindingUpdate,
  fromBindingUpload,
  fromBindingVideo,
  fromListedVideo,
  toBindingUploadParams,
} from './mapping.ts'
import { readPlaybackToken } from '../json-fields.ts'
import { isVideoUid } from '../read-video.ts'

export interface BindingStreamApiOptions {
  /** Timeout of one call in milliseconds. @default 10_000 */
  readonly timeoutMs?: number
  /**
   * Timeout of calls that mint a URL, in milliseconds. A timeout leaves an orphaned video at Stream.
   * @default 15_000
   */
  readonly creationTimeoutMs?: number
}

const UNSUPPORTED_HINT = 'with the Workers binding of Stream. Also configure an API token.'

/**
 * Creates a StreamApi that mints basic URLs and finds, lists, updates and deletes videos. tus,
 * storage usage, the webhook and a new upload expiry reject with `invalid`: see
 * `combineBindingWithRest`. A list by uids may cost one call per uid. There are no retries.
 */
export function createBindingStreamApi(
  binding: StreamBinding,
  { timeoutMs = 10_000, creationTimeoutMs = 15_000 }: BindingStreamApiOptions = {},
): StreamApi {
  async function findVideo(uid: string, signal?: AbortSignal): Promise<StreamVideo | null> {
    if (!isVideoUid(uid)) return null
    const call: BindingCall = { purpose: 'return a video', changes: false, timeoutMs }
    return videoIn(call, await callOrNotFound(call, () => binding.video(uid).details(), signal))
  }

  return {
    name: 'binding',
    capabilities: {
      tusUploads: false,
      deadlineChanges: false,
      storageUsage: false,
      webhook: false,
    },

    async createDirectUpload(upload, signal) {
      const call: BindingCall = {
        purpose: 'create an upload URL',
        changes: true,
        timeoutMs: creationTimeoutMs,
      }
      const params = toBindingUploadParams(upload)
      const response = await callBinding(call, () => binding.createDirectUpload(params), signal)
      const minted = fromBindingUpload(response)
      if (minted === null) throw invalidResponseError(call, 'had no id and URL')
      return minted
    },

    createTusUpload: (_order, signal) =>
      rejectUnsupported('An upload URL for tus cannot be created', signal),

    findVideo,

    async listVideos(query, signal) {
      signal?.throwIfAborted()
      const call: BindingCall = { purpose: 'list videos', changes: false, timeoutMs }
      async function list(params: BindingListParams): Promise<readonly ListedVideo[]> {
        const response = await callBinding(call, () => binding.videos.list(params), signal)
        if (!Array.isArray(response)) throw invalidResponseError(call, 'was not a list of videos')
        return response.map(fromListedVideo).filter((listed) => listed !== null)
      }
      const { uids } = query
      if (uids === undefined) return listByTime(query, list)
      const find = (uid: string) => findVideo(uid, signal)
      return listByUids(uids.filter(isVideoUid), query, { find, list })
    },

    async updateVideo(uid, change, signal) {
      const { expiresAt, ...others } = change
      if (expiresAt !== undefined)
        return rejectUnsupported('The expiry of an upload cannot be changed', signal)
      if (!isVideoUid(uid)) return null
      const call: BindingCall = { purpose: 'change a video', changes: true, timeoutMs }
      const params = toBindingUpdate(others)
      return videoIn(
        call,
        await callOrNotFound(call, () => binding.video(uid).update(params), signal),
      )
    },

    async deleteVideo(uid, signal) {
      if (!isVideoUid(uid)) return false
      const call: BindingCall = { purpose: 'delete a video', changes: true, timeoutMs }
      return (await callOrNotFound(call, () => binding.video(uid).delete(), signal)) !== null
    },

    async createPlaybackToken(params, signal) {
      if (!canGenerateToken(params))
        return rejectUnsupported(
          'A playback token for downloads, or of another life than an hour, cannot be created',
          signal,
        )
      const { uid } = params
      if (!isVideoUid(uid)) return null
      const call: BindingCall = { purpose: 'create a playback token', changes: false, timeoutMs }
      const reply = await callOrNotFound(call, () => binding.video(uid).generateToken(), signal)
      if (reply === null) return null
      const token = readPlaybackToken(reply.result)
      if (token === null) throw invalidResponseError(call, 'was not a token')
      return token
    },

    storageUsage: (_creator, signal) =>
      rejectUnsupported('The storage usage cannot be read', signal),
    readTusOffset: (_uploadURL, signal) =>
      rejectUnsupported('The offset of a tus upload cannot be read', signal),
    findWebhook: (signal) => rejectUnsupported('The webhook cannot be read', signal),
    setWebhook: (_url, signal) => rejectUnsupported('The webhook cannot be set', signal),
    deleteWebhook: (signal) => rejectUnsupported('The webhook cannot be deleted', signal),
  }
}

/**
 * Whether `generateToken` creates such a token. It has no parameters, and Stream's default is an hour.
 * https://developers.cloudflare.com/stream/viewing-videos/securing-your-stream/
 */
export function canGenerateToken({ ttlSeconds, downloadable }: PlaybackTokenParams): boolean {
  return ttlSeconds === 3600 && !downloadable
}

/** Rejects a call that the binding does not support. */
async function rejectUnsupported(feature: string, signal?: AbortSignal): Promise<never> {
  signal?.throwIfAborted()
  throw unsupportedError(`${feature} ${UNSUPPORTED_HINT}`)
}

function videoIn(
  call: BindingCall,
  reply: { readonly result: unknown } | null,
): StreamVideo | null {
  if (reply === null) return null
  const video = fromBindingVideo(reply.result)
  if (video === null) throw invalidResponseError(call, 'was not a video')
  return video
}
