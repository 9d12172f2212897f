/** REST API in place of api.cloudflare.com: Stream's routes under /client/v4, with the token. */
import type { IncomingMessage } from 'node:http'

import { hasToken, rejectWebPages } from '../access-rules.ts'
import { httpResponse, type HttpResponse, type ResponseOrDisconnect } from '../http-response.ts'
import { ApiError, badRequest, notFound, errorResponse, successResponse } from '../api-error.ts'
import { deleteDue, deleteVideo } from '../state/delete-video.ts'
import { listVideos } from './list-videos.ts'
import { createDirectUpload, createTusUpload } from './create-upload.ts'
import type { Operation } from '../operations.ts'
import type { EmulatorDependencies } from '../dependencies.ts'
import { runOperation } from '../run-operation.ts'
import { readJsonBody } from '../read-json-body.ts'
import { METHOD_OVERRIDE_RULE, effectiveMethod } from '../tus-request.ts'
import { escapeMarkup } from '../playback/player-page.ts'
import { storageTotals } from '../state/storage.ts'
import { createToken } from './create-token.ts'
import { createKey, deleteKey, listKeys } from './key-routes.ts'
import { updateVideo } from './update-video.ts'
import { videoJson } from '../state/video-json.ts'
import {
  createWatermark,
  deleteWatermark,
  getWatermark,
  listWatermarks,
} from './watermark-routes.ts'
import { deleteWebhook, getWebhook, putWebhook } from './webhook-routes.ts'

/** Handler of one method of a route. */
interface MethodHandler {
  readonly operation: Operation
  readonly work: () => HttpResponse | Promise<HttpResponse>
}
type Route = Readonly<Partial<Record<string, MethodHandler>>>

/** Handles all requests under /client/v4. Errors are Cloudflare envelopes. */
export async function serveRestApi(
  dependencies: EmulatorDependencies,
  request: IncomingMessage,
  url: URL,
): Promise<ResponseOrDisconnect> {
  try {
    rejectWebPages(dependencies.settings, request)
    const [, account, path] =
      /^\/client\/v4\/accounts\/([^/]+)\/(stream(?:\/.*)?|media\/.*)$/.exec(url.pathname) ?? []
    if (account === undefined || path === undefined) throw noRoute()
    // The Location of a tus creation without direct_user.
    if (path.startsWith('media/')) {
      throw badRequest('direct_user=true must be a query parameter of the tus creation')
    }
    authorize(dependencies, request, account)
    await deleteDue(dependencies)
    // Cloudflare's examples have a slash after the path of a list.
    const routePath = path.replace(/^stream\/?/, '').replace(/\/$/, '')
    const route = findRoute(dependencies, request, url, routePath)
    if (route === null) throw noRoute()
    // The tus creation, and the list at the same path. Other routes have no override.
    const method = routePath === '' ? effectiveMethod(request) : (request.method ?? '')
    if (method === null) throw badRequest(METHOD_OVERRIDE_RULE)
    const handler = route[method]
    if (handler === undefined) throw wrongMethod(method, route)
    return await runOperation(dependencies, handler.operation, handler.work)
  } catch (error) {
    if (error instanceof ApiError) return errorResponse(error)
    throw error
  }
}

/** Returns the route of a path below `stream/`; null for an unknown path. */
function findRoute(
  dependencies: EmulatorDependencies,
  request: IncomingMessage,
  url: URL,
  path: string,
): Route | null {
  switch (path) {
    case '':
      return {
        GET: { operation: 'list', work: () => listVideos(dependencies, url.searchParams) },
        POST: {
          operation: 'tus_create',
          work: () => createTusUpload(dependencies, request, url.searchParams),
        },
      }
    case 'direct_upload':
      return {
        POST: { operation: 'direct_upload', work: () => createDirectUpload(dependencies, request) },
      }
    case 'storage-usage':
      return { GET: { operation: 'storage_usage', work: () => storageUsage(dependencies, url) } }
    case 'webhook':
      return {
        GET: { operation: 'webhook', work: () => getWebhook(dependencies) },
        PUT: {
          operation: 'webhook',
          work: async () => putWebhook(dependencies, await readJsonBody(request)),
        },
        DELETE: { operation: 'webhook', work: () => deleteWebhook(dependencies) },
      }
    case 'keys':
      return {
        GET: { operation: 'keys', work: () => listKeys(dependencies) },
        POST: { operation: 'keys', work: () => createKey(dependencies) },
      }
    case 'watermarks':
      return {
        GET: { operation: 'watermarks', work: () => listWatermarks(dependencies) },
        POST: { operation: 'watermarks', work: () => createWatermark(dependencies, request) },
      }
    default:
      return itemRoute(dependencies, request, path)
  }
}

/** Returns the route of one video, key or watermark profile, or of an action on a video. */
function itemRoute(
  dependencies: EmulatorDependencies,
  request: IncomingMessage,
  path: string,
): Route | null {
  const [first = '', second, ...more] = path.split('/')
  if (more.length > 0) return null
  if (second === undefined) return videoRoute(dependencies, request, first)
  switch (first) {
    case 'keys':
      return { DELETE: { operation: 'keys', work: () => deleteKey(dependencies, second) } }
    case 'watermarks':
      return {
        GET: { operation: 'watermarks', work: () => getWatermark(dependencies, second) },
        DELETE: { operation: 'watermarks', work: () => deleteWatermark(dependencies, second) },
      }
    default:
      return actionRoute(dependencies, request, first, second)
  }
}

function actionRoute(
  dependencies: EmulatorDependencies,
  request: IncomingMessage,
  uid: string,
  action: string,
): Route | null {
  switch (action) {
    case 'token':
      return {
        POST: {
          operation: 'token',
          work: async () => createToken(dependencies, uid, await readJsonBody(request)),
        },
      }
    case 'embed':
      return { GET: { operation: 'embed', work: () => embedVideo(dependencies, uid) } }
    default:
      return null
  }
}

function videoRoute(
  dependencies: EmulatorDependencies,
  request: IncomingMessage,
  uid: string,
): Route {
  return {
    GET: { operation: 'details', work: () => details(dependencies, uid) },
    POST: {
      operation: 'update',
      work: async () => updateVideo(dependencies, uid, await readJsonBody(request)),
    },
    DELETE: {
      operation: 'delete',
      work: async () => {
        if (!(await deleteVideo(dependencies, uid))) throw notFound()
        // Without a body: Stream's response is not documented, so clients must not depend on one.
        return httpResponse(200)
      },
    },
  }
}

function details(dependencies: EmulatorDependencies, uid: string): HttpResponse {
  const video = dependencies.library.find(uid)
  if (video === null) throw notFound()
  return successResponse(
    videoJson(video, dependencies.settings.publicUrl, dependencies.clock.now()),
  )
}

/**
 * Returns an iframe with the video's player. A script of Cloudflare's player would not find videos of the emulator.
 * https://developers.cloudflare.com/api/resources/stream/subresources/embed/methods/get/
 */
function embedVideo({ library, settings }: EmulatorDependencies, uid: string): HttpResponse {
  if (library.find(uid) === null) throw notFound()
  const source = escapeMarkup(`${settings.publicUrl}/${uid}/iframe`)
  return httpResponse(
    200,
    { 'content-type': 'text/html; charset=utf-8' },
    `<iframe src="${source}" style="border: none" height="720" width="1280" allow="accelerometer; gyroscope; autoplay; encrypted-media; picture-in-picture;" allowfullscreen="true"></iframe>\n`,
  )
}

/**
 * Returns stored minutes only. Whether Stream adds reservations is not documented.
 * https://developers.cloudflare.com/api/resources/stream/subresources/videos/methods/storage_usage/
 */
function storageUsage(dependencies: EmulatorDependencies, url: URL): HttpResponse {
  const creator = url.searchParams.get('creator') || null
  const totals =
    creator === null
      ? dependencies.library.storage(dependencies.clock.now())
      : storageTotals(dependencies.database, dependencies.clock.now(), creator)
  return successResponse({
    creator,
    totalStorageMinutes: totals.storedSeconds / 60,
    totalStorageMinutesLimit: dependencies.settings.storageMinutes,
    videoCount: totals.videoCount,
  })
}

/** Throws an ApiError: 401 for an invalid token, 403 for an account other than the token's. */
function authorize(
  dependencies: EmulatorDependencies,
  request: IncomingMessage,
  account: string,
): void {
  const { settings, connections } = dependencies
  if (!hasToken(settings, request)) throw new ApiError(401, 10_000, 'Authentication error')
  connections.keep(request.socket)
  if (account !== settings.accountId) throw new ApiError(403, 10_000, 'Authentication error')
}

function noRoute(): ApiError {
  return new ApiError(404, 7003, 'No route for the URI.')
}

function wrongMethod(method: string, route: Route): ApiError {
  const message = `Method ${method} not available for that URI.`
  return new ApiError(405, 7001, message, null, { allow: Object.keys(route).join(', ') })
}
