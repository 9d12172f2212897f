/** A stub of Stream's API that works or fails as the test decides: every call, or all but list calls. */
import type { ServerResponse } from 'node:http'
import {
  type ResponseHandler,
  type ReceivedRequest,
  plainText,
  startStubStream,
  success,
} from '../stream/stub-stream.ts'

/** The playback token of every video. */
export const PLAYBACK_TOKEN = [
  Buffer.from('{"alg":"RS256"}').toString('base64url'),
  Buffer.from('{"sub":"a video"}').toString('base64url'),
  'pLay-Sig_Hq83TzWm27KxBn51RvLd96YcGs40',
].join('.')

export interface ScriptedStream {
  readonly url: string
  /** Calls received since the set was last cleared, such as "DELETE video". */
  readonly calls: Set<string>
  /** Every one-time URL that was returned. */
  readonly minted: readonly string[]
  /**
   * Responds to every call with `failing`. With `lists`, list calls work and return the videos of
   * failed creations. Null makes all calls work and clears those videos.
   */
  failWith(failing: ResponseHandler | null, options?: { readonly lists: boolean }): void
}

/** Name of the API call: method and resource. */
function callOf({ method, url }: ReceivedRequest): string {
  const { pathname, searchParams } = new URL(url, 'http://stream')
  if (pathname.startsWith('/tus/')) return `${method} offset`
  const [, resource = ''] = /\/stream\/?(.*)$/.exec(pathname) ?? []
  if (resource === '') return searchParams.has('direct_user') ? 'POST tus' : `${method} list`
  if (resource === 'direct_upload' || resource === 'storage-usage' || resource === 'webhook') {
    return `${method} ${resource}`
  }
  return resource.endsWith('/token') ? `${method} token` : `${method} video`
}

export async function startScriptedStream(): Promise<ScriptedStream> {
  let failing: ResponseHandler | null = null
  let listsWork = false
  let uids = 0
  const minted: string[] = []
  const calls = new Set<string>()
  /** Videos of creations with a failed response: the lists contain them. */
  let orphans: { readonly uid: string; readonly status: object; readonly meta: unknown }[] = []

  const stub = await startStubStream((response, request) => {
    const call = callOf(request)
    calls.add(call)
    if (failing === null || (listsWork && call === 'GET list')) respond(call, response, request)
    else {
      if (call === 'POST direct_upload') {
        const status = { state: 'pendingupload' }
        orphans.push({ uid: newUid(), status, meta: metaOf(request) })
      }
      failing(response, request)
    }
  })

  function newUid(): string {
    uids += 1
    return uids.toString(16).padStart(32, '0')
  }

  function respond(call: string, response: ServerResponse, request: ReceivedRequest): void {
    const uid = newUid()
    const token = crypto.randomUUID().replaceAll('-', '')
    const uploadURL = `${stub.url}/${call === 'POST tus' ? `tus/${token}` : uid}`
    if (call === 'POST tus' || call === 'POST direct_upload') minted.push(uploadURL)
    const responders: Readonly<Record<string, ResponseHandler>> = {
      'POST direct_upload': success({ uid, uploadURL }),
      'POST tus': plainText('', 201, {
        location: uploadURL,
        'stream-media-id': uid,
      }),
      'HEAD offset': plainText('', 200, { 'upload-offset': '0' }),
      'POST token': success({ token: PLAYBACK_TOKEN }),
      'GET list': success(request.url.includes('pendingupload') ? orphans : []),
    }
    const responder = responders[call] ?? success(null)
    responder(response, request)
  }

  return {
    url: stub.url,
    calls,
    minted,
    failWith(next, options = { lists: false }) {
      failing = next
      listsWork = options.lists
      if (next === null) orphans = []
    },
  }
}

function metaOf({ body }: ReceivedRequest): unknown {
  const params: unknown = JSON.parse(body)
  return typeof params === 'object' && params !== null && 'meta' in params ? params.meta : {}
}
