/** Cloudflare Stream through its REST API: the only file that knows paths, methods and the token. */
import type { StreamBackend, StreamVideo, VideoList, VideoQuery } from '../../uploads/ports/stream-api.ts'
import { maxBasicBytes } from '../basic-bound.ts'
import { exchange } from './send-request.ts'
import { refusal, unusable } from './response-error.ts'
import {
  isMintedUrl,
  joinLists,
  readMinted,
  readMintedHeaders,
  readOffset,
  readStorage,
  readVideos,
  readWebhook,
} from './response-body.ts'
import { createRestCaller, isOk, type Reply, type RestCall } from './rest-client.ts'
import { changeBody, directUploadBody, listParameters, tusHeaders } from './request-body.ts'
import { sendByFetch } from './fetch-transport.ts'
import type { Send, StreamRequest } from './transport.ts'
import { isVideoUid, readVideo } from '../read-video.ts'

export interface RestBackendOptions {
  /** At most 32 letters and digits; `local` for the emulator. */
  readonly accountId: string
  /** An API token with Stream Write. Sent to `baseUrl` and nowhere else. */
  readonly apiToken: string
  /** @default 'https://api.cloudflare.com/client/v4' */
  readonly baseUrl?: string
  /** How requests travel. @default sendByFetch() */
  readonly send?: Send
  /** For one whole exchange in milliseconds. @default 10_000 */
  readonly timeoutMs?: number
  /**
   * The same for what mints a URL: given up too early, it leaves a video that nobody knows of.
   * @default 15_000
   */
  readonly creationTimeoutMs?: number
  /** Only to read a Retry-After that is a date. @default () => new Date() */
  readonly now?: () => Date
}

/**
 * Uids that one list call asks after, at most: their address stays below 8 kB. A longer list of
 * uids costs several calls of the API budget, one after the other.
 */
export const uidsPerListCall = 200

/**
 * A StreamBackend over REST. Nothing is retried here: creations because a second one may follow
 * from it, the rest because synchronisation asks again anyway.
 *
 * @throws RangeError where the account, token or base URL could not be sent; the message quotes
 * none of them.
 */
export function createRestBackend(options: RestBackendOptions): StreamBackend {
  const {
    accountId,
    apiToken,
    baseUrl = 'https://api.cloudflare.com/client/v4',
    send = sendByFetch(),
    timeoutMs = 10_000,
    creationTimeoutMs = 15_000,
    now = () => new Date(),
  } = options
  if (!/^[0-9a-zA-Z_-]{1,32}$/.test(accountId))
    throw new RangeError('The Cloudflare account id is not one.')
  if (!/^[\x21-\x7e]+$/.test(apiToken))
    throw new RangeError('The Cloudflare API token is empty or has characters that none has.')
  if (!isMintedUrl(baseUrl) || /[?#]/.test(baseUrl))
    throw new RangeError('The address of the Cloudflare API must be a plain http or https URL.')
  const streamUrl = `${baseUrl.replace(/\/+$/, '')}/accounts/${accountId}/stream`

  const parts = { streamUrl, apiToken, send, timeoutMs, creationTimeoutMs, now }
  const { mint, ask, askAfter } = createRestCaller(parts)

  async function listOnce(query: VideoQuery, uids: readonly string[], signal?: AbortSignal) {
    const path = `?${listParameters(query, uids).toString()}`
    const call: RestCall = { purpose: 'list videos', method: 'GET', path, changes: false }
    const reply = await ask(call, signal)
    const videos = readVideos(reply.envelope.result)
    if (videos === null) throw unusable(reply.request, reply.answer, 'was no list of videos')
    return { videos, total: reply.envelope.total }
  }

  return {
    name: 'rest',
    capabilities: {
      tusUploads: true,
      maxBasicBytes,
      deadlineChanges: true,
      storageUsage: true,
      webhook: true,
    },

    async createDirectUpload(order, signal) {
      const reply = await ask(
        {
          purpose: 'mint an upload URL',
          method: 'POST',
          path: '/direct_upload',
          // The creator travels in the body alone: a header could not carry every creator.
          json: directUploadBody(order),
          changes: true,
          mints: true,
        },
        signal,
      )
      const minted = readMinted(reply.envelope.result)
      if (minted === null) throw unusable(reply.request, reply.answer, 'held no uid and URL')
      return minted
    },

    async createTusUpload(order, signal) {
      const reply = await mint(
        {
          purpose: 'mint a tus URL',
          method: 'POST',
          // It must be a query parameter; without it Location needs our token and has no CORS.
          path: '?direct_user=true',
          headers: tusHeaders(order),
          changes: true,
          mints: true,
        },
        signal,
      )
      // 201 says the documentation, 200 its schema; the body is not needed and may be empty.
      const minted = readMintedHeaders(reply.answer.headers, reply.request.url)
      if (minted === null) throw unusable(reply.request, reply.answer, 'held no uid and URL')
      return minted
    },

    async findVideo(uid, signal) {
      if (!isVideoUid(uid)) return null
      const purpose = 'show a video'
      const call: RestCall = { purpose, method: 'GET', path: `/${uid}`, changes: false }
      return videoIn(await askAfter(call, signal))
    },

    async listVideos(query, signal) {
      const { uids } = query
      if (uids === undefined) return listOnce(query, [], signal)
      // An empty list of uids asks after none; sent as it is, it would ask after all.
      const asked = [...new Set(uids.filter(isVideoUid))]
      const lists: VideoList[] = []
      for (let from = 0; from < asked.length; from += uidsPerListCall)
        lists.push(await listOnce(query, asked.slice(from, from + uidsPerListCall), signal))
      return joinLists(lists, query)
    },

    async updateVideo(uid, change, signal) {
      if (!isVideoUid(uid)) return null
      const purpose = 'change a video'
      const call: RestCall = { purpose, method: 'POST', path: `/${uid}`, changes: true }
      return videoIn(await askAfter({ ...call, json: changeBody(change) }, signal))
    },

    async deleteVideo(uid, signal) {
      if (!isVideoUid(uid)) return false
      const purpose = 'delete a video'
      const call: RestCall = { purpose, method: 'DELETE', path: `/${uid}`, changes: true }
      return (await askAfter(call, signal)) !== null
    },

    async storageUsage(creator, signal) {
      const of = creator === undefined ? '' : `?${new URLSearchParams({ creator }).toString()}`
      const purpose = 'tell the storage used'
      const call: RestCall = { purpose, method: 'GET', path: `/storage-usage${of}`, changes: false }
      const reply = await ask(call, signal)
      const storage = readStorage(reply.envelope.result)
      if (storage === null) throw unusable(reply.request, reply.answer, 'named no minutes')
      return storage
    },

    async readTusOffset(uploadURL, signal) {
      if (!isMintedUrl(uploadURL)) return null
      const request: StreamRequest = {
        purpose: 'tell how much of an upload has arrived',
        method: 'HEAD',
        url: uploadURL,
        // No authorization: this is another host, and the URL itself is the permission.
        headers: { 'tus-resumable': '1.0.0' },
        changes: false,
        timeoutMs,
      }
      const answer = await exchange(send, request, signal)
      // Which 4xx a lapsed URL has is not documented, so that any will do; 408, 425 and 429 alone
      // say something about this request and nothing about the upload.
      const { status } = answer
      if (status >= 400 && status < 500 && ![408, 425, 429].includes(status)) return null
      if (!isOk(answer)) throw refusal({ request, answer, envelope: null, apiToken, now: now() })
      const offset = readOffset(answer.headers)
      if (offset === null) throw unusable(request, answer, 'had no Upload-Offset')
      return offset
    },

    async findWebhook(signal) {
      const purpose = 'show the webhook'
      const call: RestCall = { purpose, method: 'GET', path: '/webhook', changes: false }
      const reply = await askAfter(call, signal)
      if (reply === null) return null
      const webhook = readWebhook(reply.envelope?.result)
      if (webhook === null) throw unusable(reply.request, reply.answer, 'had no secret')
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
      const reply = await ask(call, signal)
      const webhook = readWebhook(reply.envelope.result)
      if (webhook === null || webhook === 'absent')
        throw unusable(reply.request, reply.answer, 'had no URL and secret')
      return webhook
    },

    async deleteWebhook(signal) {
      const purpose = 'delete the webhook'
      const call: RestCall = { purpose, method: 'DELETE', path: '/webhook', changes: true }
      return (await askAfter(call, signal)) !== null
    },
  }
}

function videoIn(reply: Reply | null): StreamVideo | null {
  if (reply === null) return null
  const video = readVideo(reply.envelope?.result)
  if (video === null) throw unusable(reply.request, reply.answer, 'was no video')
  return video
}
