/** StreamApi adapter over the REST API: paths, methods and the token are used only here. */
import type {
  StreamApi,
  StreamVideo,
  VideoList,
  VideoQuery,
} from '../../uploads/ports/stream-api.ts'
import { sendRequest } from './send-request.ts'
import { responseError, invalidResponseError } from './response-error.ts'
import {
  mergeLists,
  readMintedHeaders,
  readUploadOffset,
  readStorage,
  readVideos,
  readWebhook,
} from './response-body.ts'
import { isMintedUrl, readMinted } from '../minted-video.ts'
import {
  type AccountOptions,
  createRestClient,
  isOk,
  readClientOptions,
  type RestResponse,
  type RestCall,
} from './rest-client.ts'
import { updateVideoBody, directUploadBody, listParameters, tusHeaders } from './request-body.ts'
import type { TransportRequest } from './transport.ts'
import { fieldsOf, readPlaybackToken } from '../json-fields.ts'
import { isVideoUid, readVideo } from '../read-video.ts'

/**
 * Maximum uids per list call, which keeps the URL below 8 kB. A longer list costs several calls of
 * the API budget, one after the other.
 */
export const UIDS_PER_LIST_CALL = 200

/**
 * Creates a StreamApi over REST. It does not retry: a repeated creation could mint twice, and sync
 * repeats all other calls.
 *
 * @throws RangeError for an invalid account id, token or base URL; the message quotes none of them.
 */
export function createRestStreamApi(options: AccountOptions): StreamApi {
  const clientOptions = readClientOptions(options)
  const { apiToken, send, timeoutMs, now } = clientOptions
  const { mint, request, requestOrNotFound } = createRestClient(clientOptions)

  async function listOnce(query: VideoQuery, uids: readonly string[], signal?: AbortSignal) {
    const path = `?${listParameters(query, uids).toString()}`
    const call: RestCall = { purpose: 'list videos', method: 'GET', path, changes: false }
    const reply = await request(call, signal)
    const videos = readVideos(reply.envelope.result)
    if (videos === null)
      throw invalidResponseError(reply.request, reply.response, 'was not a list of videos')
    return { videos, total: reply.envelope.total }
  }

  return {
    name: 'rest',
    capabilities: {
      tusUploads: true,
      deadlineChanges: true,
      storageUsage: true,
      webhook: true,
    },

    async createDirectUpload(params, signal) {
      const reply = await request(
        {
          purpose: 'create an upload URL',
          method: 'POST',
          path: '/direct_upload',
          // The creator is in the body: not every creator is a valid header.
          json: directUploadBody(params),
          changes: true,
          mints: true,
        },
        signal,
      )
      const minted = readMinted(reply.envelope.result)
      if (minted === null)
        throw invalidResponseError(reply.request, reply.response, 'had no uid and URL')
      return minted
    },

    async createTusUpload(params, signal) {
      const reply = await mint(
        {
          purpose: 'create a tus URL',
          method: 'POST',
          // Required as a query parameter: without it, Location needs the token and lacks CORS.
          path: '?direct_user=true',
          headers: tusHeaders(params),
          changes: true,
          mints: true,
        },
        signal,
      )
      // Documented as 201, in the schema as 200; the body is not needed and may be empty.
      const minted = readMintedHeaders(reply.response.headers, reply.request.url)
      if (minted === null)
        throw invalidResponseError(reply.request, reply.response, 'had no uid and URL')
      return minted
    },

    async findVideo(uid, signal) {
      if (!isVideoUid(uid)) return null
      const purpose = 'return a video'
      const call: RestCall = { purpose, method: 'GET', path: `/${uid}`, changes: false }
      return videoIn(await requestOrNotFound(call, signal))
    },

    async listVideos(query, signal) {
      const { uids } = query
      if (uids === undefined) return listOnce(query, [], signal)
      // Without valid uids nothing is listed: an empty `id` parameter would list all videos.
      const validUids = [...new Set(uids.filter(isVideoUid))]
      const lists: VideoList[] = []
      for (let from = 0; from < validUids.length; from += UIDS_PER_LIST_CALL)
        lists.push(await listOnce(query, validUids.slice(from, from + UIDS_PER_LIST_CALL), signal))
      return mergeLists(lists, query)
    },

    async updateVideo(uid, change, signal) {
      if (!isVideoUid(uid)) return null
      const purpose = 'change a video'
      const call: RestCall = { purpose, method: 'POST', path: `/${uid}`, changes: true }
      return videoIn(await requestOrNotFound({ ...call, json: updateVideoBody(change) }, signal))
    },

    async deleteVideo(uid, signal) {
      if (!isVideoUid(uid)) return false
      const purpose = 'delete a video'
      const call: RestCall = { purpose, method: 'DELETE', path: `/${uid}`, changes: true }
      return (await requestOrNotFound(call, signal)) !== null
    },

    async createPlaybackToken({ uid, expiresAt, downloadable }, signal) {
      if (!isVideoUid(uid)) return null
      const purpose = 'create a playback token'
      const json = { exp: Math.floor(expiresAt.getTime() / 1000), downloadable }
      const call: RestCall = {
        purpose,
        method: 'POST',
        path: `/${uid}/token`,
        changes: false,
        json,
      }
      const reply = await requestOrNotFound(call, signal)
      if (reply === null) return null
      const token = readPlaybackToken(fieldsOf(reply.envelope?.result)['token'])
      if (token === null) throw invalidResponseError(reply.request, reply.response, 'had no token')
      return token
    },

    async storageUsage(creator, signal) {
      const of = creator === undefined ? '' : `?${new URLSearchParams({ creator }).toString()}`
      const purpose = 'return the storage usage'
      const call: RestCall = { purpose, method: 'GET', path: `/storage-usage${of}`, changes: false }
      const reply = await request(call, signal)
      const storage = readStorage(reply.envelope.result)
      if (storage === null)
        throw invalidResponseError(reply.request, reply.response, 'had no minutes')
      return storage
    },

    async readTusOffset(uploadURL, signal) {
      if (!isMintedUrl(uploadURL)) return null
      const headRequest: TransportRequest = {
        purpose: 'return the offset of an upload',
        method: 'HEAD',
        url: uploadURL,
        // No authorization: the upload host is another host, and the URL itself is the credential.
        headers: { 'tus-resumable': '1.0.0' },
        changes: false,
        timeoutMs,
      }
      const response = await sendRequest(send, headRequest, signal)
      // The 4xx of an expired URL is not documented, so any counts. 408, 425 and 429 concern the
      // request, not the upload.
      const { status } = response
      if (status >= 400 && status < 500 && ![408, 425, 429].includes(status)) return null
      if (!isOk(response))
        throw responseError({
          request: headRequest,
          response,
          envelope: null,
          apiToken,
          now: now(),
        })
      const offset = readUploadOffset(response.headers)
      if (offset === null) throw invalidResponseError(headRequest, response, 'had no Upload-Offset')
      return offset
    },

    async findWebhook(signal) {
      const purpose = 'return the webhook'
      const call: RestCall = { purpose, method: 'GET', path: '/webhook', changes: false }
      const reply = await requestOrNotFound(call, signal)
      if (reply === null) return null
      const webhook = readWebhook(reply.envelope?.result)
      if (webhook === null)
        throw invalidResponseError(reply.request, reply.response, 'had no secret')
      return webhook === 'absent' ? null : webhook
    },

    async setWebhook(notificationURL, signal) {
      const call: RestCall = {
        purpose: 'set the webhook',
        method: 'PUT',
        path: '/webhook',
        json: { notificationUrl: notificationURL },
        changes: true,
      }
      const reply = await request(call, signal)
      const webhook = readWebhook(reply.envelope.result)
      if (webhook === null || webhook === 'absent')
        throw invalidResponseError(reply.request, reply.response, 'had no URL and secret')
      return webhook
    },

    async deleteWebhook(signal) {
      const purpose = 'delete the webhook'
      const call: RestCall = { purpose, method: 'DELETE', path: '/webhook', changes: true }
      return (await requestOrNotFound(call, signal)) !== null
    },
  }
}

function videoIn(reply: RestResponse | null): StreamVideo | null {
  if (reply === null) return null
  const video = readVideo(reply.envelope?.result)
  if (video === null) throw invalidResponseError(reply.request, reply.response, 'was not a video')
  return video
}
