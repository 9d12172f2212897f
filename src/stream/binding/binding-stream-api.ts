/** Cloudflare Stream through the Workers binding `env.STREAM`: no token, and basic uploads only. */
import type { StreamBackend, StreamVideo } from '../../uploads/ports/stream-api.ts'
import { maxBasicBytes } from '../basic-bound.ts'
import { callAfter, callBinding } from './call-binding.ts'
import { type Listed, listByUids, listWindow } from './list-videos.ts'
import { type BoundCall, unusableAnswer } from './binding-errors.ts'
import type { BoundListParams, StreamBinding } from './binding-types.ts'
import {
  changeParams,
  readBoundMint,
  readBoundVideo,
  readListed,
  uploadParams,
} from './mapping.ts'
import { unsupported } from '../unsupported.ts'
import { isVideoUid } from '../read-video.ts'

export interface BindingBackendOptions {
  /** For one whole call in milliseconds. @default 10_000 */
  readonly timeoutMs?: number
  /**
   * The same for what mints a URL: given up too early, it leaves a video that nobody knows of.
   * @default 15_000
   */
  readonly creationTimeoutMs?: number
}

const RIGHT = 'by the Workers binding of Stream: give the gateway an API token beside it.'

/**
 * A StreamBackend over the binding. It mints basic URLs, finds, lists, changes and deletes videos.
 * tus, storage, the webhook and a deadline's change are refused as `invalid`: see `withRest`.
 * A list by uids may cost one call for each of them. Nothing is retried here.
 */
export function createBindingBackend(
  binding: StreamBinding,
  { timeoutMs = 10_000, creationTimeoutMs = 15_000 }: BindingBackendOptions = {},
): StreamBackend {
  async function findVideo(uid: string, signal?: AbortSignal): Promise<StreamVideo | null> {
    if (!isVideoUid(uid)) return null
    const call: BoundCall = { purpose: 'show a video', changes: false, timeoutMs }
    return videoIn(call, await callAfter(call, () => binding.video(uid).details(), signal))
  }

  return {
    name: 'binding',
    capabilities: {
      tusUploads: false,
      maxBasicBytes,
      deadlineChanges: false,
      storageUsage: false,
      webhook: false,
    },

    async createDirectUpload(order, signal) {
      const call: BoundCall = {
        purpose: 'mint an upload URL',
        changes: true,
        timeoutMs: creationTimeoutMs,
      }
      const params = uploadParams(order)
      const answer = await callBinding(call, () => binding.createDirectUpload(params), signal)
      const minted = readBoundMint(answer)
      if (minted === null) throw unusableAnswer(call, 'held no id and URL')
      return minted
    },

    createTusUpload: (_order, signal) => refuse('No tus URL can be minted', signal),

    findVideo,

    async listVideos(query, signal) {
      signal?.throwIfAborted()
      const call: BoundCall = { purpose: 'list videos', changes: false, timeoutMs }
      async function list(params: BoundListParams): Promise<readonly Listed[]> {
        const answer = await callBinding(call, () => binding.videos.list(params), signal)
        if (!Array.isArray(answer)) throw unusableAnswer(call, 'was no list of videos')
        return answer.map(readListed).filter((listed) => listed !== null)
      }
      const { uids } = query
      if (uids === undefined) return listWindow(query, list)
      const find = (uid: string) => findVideo(uid, signal)
      return listByUids(uids.filter(isVideoUid), query, { find, list })
    },

    async updateVideo(uid, change, signal) {
      const { expiresAt, ...others } = change
      if (expiresAt !== undefined) return refuse("An upload's deadline cannot be moved", signal)
      if (!isVideoUid(uid)) return null
      const call: BoundCall = { purpose: 'change a video', changes: true, timeoutMs }
      const params = changeParams(others)
      return videoIn(call, await callAfter(call, () => binding.video(uid).update(params), signal))
    },

    async deleteVideo(uid, signal) {
      if (!isVideoUid(uid)) return false
      const call: BoundCall = { purpose: 'delete a video', changes: true, timeoutMs }
      return (await callAfter(call, () => binding.video(uid).delete(), signal)) !== null
    },

    storageUsage: (_creator, signal) => refuse('The storage used cannot be told', signal),
    readTusOffset: (_uploadURL, signal) => refuse('No offset of a tus upload can be read', signal),
    findWebhook: (signal) => refuse('The webhook cannot be shown', signal),
    setWebhook: (_url, signal) => refuse('The webhook cannot be set', signal),
    deleteWebhook: (signal) => refuse('The webhook cannot be deleted', signal),
  }
}

/** A call that the binding does not have. */
async function refuse(what: string, signal?: AbortSignal): Promise<never> {
  signal?.throwIfAborted()
  throw unsupported(`${what} ${RIGHT}`)
}

function videoIn(call: BoundCall, reply: { readonly answer: unknown } | null): StreamVideo | null {
  if (reply === null) return null
  const video = readBoundVideo(reply.answer)
  if (video === null) throw unusableAnswer(call, 'was no video')
  return video
}
