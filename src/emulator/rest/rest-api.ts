/** The face of api.cloudflare.com: Stream's routes under /client/v4, for whoever has the token. */
import type { IncomingMessage } from 'node:http'

import { hasToken, rejectWebPages } from '../access-rules.ts'
import { answer, type Answer, type AnswerOrCut } from '../http-response.ts'
import { ApiError, badRequest, notFound, refuse, succeed } from '../api-error.ts'
import { deleteScheduled, deleteVideo } from '../state/delete-video.ts'
import { listVideos } from './list-videos.ts'
import { createDirectUpload, createTusUpload } from './create-upload.ts'
import type { Operation } from '../operations.ts'
import type { EmulatorParts } from '../dependencies.ts'
import { perform } from '../run-operation.ts'
import { readJson } from '../read-json-body.ts'
import { storageTotals } from '../state/storage.ts'
import { updateVideo } from './update-video.ts'
import { videoJson } from '../state/video-json.ts'
import { deleteWebhook, getWebhook, putWebhook } from './webhook-routes.ts'

/** One method of a route. */
interface Call {
  readonly operation: Operation
  readonly work: () => Answer | Promise<Answer>
}
type Route = Readonly<Partial<Record<string, Call>>>

/** The answer to any request under /client/v4; refusals are envelopes. */
export async function serveRestApi(
  parts: EmulatorParts,
  request: IncomingMessage,
  url: URL,
): Promise<AnswerOrCut> {
  try {
    rejectWebPages(parts.settings, request)
    const [, account, path] =
      /^\/client\/v4\/accounts\/([^/]+)\/(stream(?:\/.*)?|media\/.*)$/.exec(url.pathname) ?? []
    if (account === undefined || path === undefined) throw noRoute()
    // The Location of a tus creation without direct_user: an unauthenticated client gets a 400.
    if (path.startsWith('media/')) {
      throw badRequest('direct_user=true must be a query parameter of the tus creation')
    }
    authorize(parts, request, account)
    await deleteScheduled(parts)
    const route = findRoute(parts, request, url, path.replace(/^stream\/?/, ''))
    if (route === null) throw noRoute()
    const call = route[request.method ?? '']
    if (call === undefined) throw wrongMethod(request, route)
    return await perform(parts, call.operation, call.work)
  } catch (error) {
    if (error instanceof ApiError) return refuse(error)
    throw error
  }
}

/** Null where the path (what follows `stream/`) is no route of Stream's that we know. */
function findRoute(
  parts: EmulatorParts,
  request: IncomingMessage,
  url: URL,
  path: string,
): Route | null {
  switch (path) {
    case '':
      return {
        GET: { operation: 'list', work: () => listVideos(parts, url.searchParams) },
        POST: {
          operation: 'tus_create',
          work: () => createTusUpload(parts, request, url.searchParams),
        },
      }
    case 'direct_upload':
      return {
        POST: { operation: 'direct_upload', work: () => createDirectUpload(parts, request) },
      }
    case 'storage-usage':
      return { GET: { operation: 'storage_usage', work: () => storageUsage(parts, url) } }
    case 'webhook':
      return {
        GET: { operation: 'webhook', work: () => getWebhook(parts) },
        PUT: {
          operation: 'webhook',
          work: async () => putWebhook(parts, await readJson(request)),
        },
        DELETE: { operation: 'webhook', work: () => deleteWebhook(parts) },
      }
    default:
      return path.includes('/') ? null : videoRoute(parts, request, path)
  }
}

function videoRoute(parts: EmulatorParts, request: IncomingMessage, uid: string): Route {
  return {
    GET: { operation: 'details', work: () => details(parts, uid) },
    POST: {
      operation: 'update',
      work: async () => updateVideo(parts, uid, await readJson(request)),
    },
    DELETE: {
      operation: 'delete',
      work: async () => {
        if (!(await deleteVideo(parts, uid))) throw notFound()
        // 200 without a body: what Stream sends is not documented, and clients must not need one.
        return answer(200)
      },
    },
  }
}

function details(parts: EmulatorParts, uid: string): Answer {
  const video = parts.library.find(uid)
  if (video === null) throw notFound()
  return succeed(videoJson(video, parts.settings.publicUrl, parts.clock.now()))
}

/**
 * Counts what is stored. Whether Stream adds open reservations is not documented.
 * https://developers.cloudflare.com/api/resources/stream/subresources/videos/methods/storage_usage/
 */
function storageUsage(parts: EmulatorParts, url: URL): Answer {
  const creator = url.searchParams.get('creator') || null
  const totals =
    creator === null
      ? parts.library.storage(parts.clock.now())
      : storageTotals(parts.database, parts.clock.now(), creator)
  return succeed({
    creator,
    totalStorageMinutes: totals.storedSeconds / 60,
    totalStorageMinutesLimit: parts.settings.storageMinutes,
    videoCount: totals.videoCount,
  })
}

/** 401 for a token that is not ours, 403 for an account that is not the token's. */
function authorize(parts: EmulatorParts, request: IncomingMessage, account: string): void {
  const { settings } = parts
  if (!hasToken(settings, request)) throw new ApiError(401, 10_000, 'Authentication error')
  if (account !== settings.accountId) throw new ApiError(403, 10_000, 'Authentication error')
}

function noRoute(): ApiError {
  return new ApiError(404, 7003, 'No route for the URI.')
}

function wrongMethod(request: IncomingMessage, route: Route): ApiError {
  const message = `Method ${request.method ?? ''} not available for that URI.`
  return new ApiError(405, 7001, message, null, { allow: Object.keys(route).join(', ') })
}
