/** A Stream that works, or fails as it is told: all of it, or all but its lists. */
import type { ServerResponse } from 'node:http'
import {
  type ResponseHandler,
  type ReceivedRequest,
  plainText,
  startStubStream,
  success,
} from '../stream/stub-stream.ts'

export interface ScriptedStream {
  readonly url: string
  /** Which calls have arrived, such as "DELETE video", since it was last cleared. */
  readonly asked: Set<string>
  /** Every one-time URL that was handed out. */
  readonly minted: readonly string[]
  /**
   * Fails like this from now on. With `lists`, they go on working, and show what failed orders left
   * behind; null works, and forgets it.
   */
  failWith(failing: ResponseHandler | null, options?: { readonly lists: boolean }): void
}

/** Which call of the API it is. */
function callOf({ method, url }: ReceivedRequest): string {
  const { pathname, searchParams } = new URL(url, 'http://stream')
  if (pathname.startsWith('/tus/')) return `${method} offset`
  const [, thing = ''] = /\/stream\/?(.*)$/.exec(pathname) ?? []
  if (thing === '') return searchParams.has('direct_user') ? 'POST tus' : `${method} list`
  if (thing === 'direct_upload' || thing === 'storage-usage' || thing === 'webhook') {
    return `${method} ${thing}`
  }
  return `${method} video`
}

export async function startScriptedStream(): Promise<ScriptedStream> {
  let failing: ResponseHandler | null = null
  let listsWork = false
  let uids = 0
  const minted: string[] = []
  const asked = new Set<string>()
  /** Orders whose answer failed: what Stream made of them is found in its lists. */
  let orphans: { readonly uid: string; readonly status: object; readonly meta: unknown }[] = []

  const stub = await startStubStream((response, request) => {
    const call = callOf(request)
    asked.add(call)
    if (failing === null || (listsWork && call === 'GET list')) work(call, response, request)
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

  function work(call: string, response: ServerResponse, request: ReceivedRequest): void {
    const uid = newUid()
    const ticket = crypto.randomUUID().replaceAll('-', '')
    const uploadURL = `${stub.url}/${call === 'POST tus' ? `tus/${ticket}` : uid}`
    if (call === 'POST tus' || call === 'POST direct_upload') minted.push(uploadURL)
    const answers: Readonly<Record<string, ResponseHandler>> = {
      'POST direct_upload': success({ uid, uploadURL }),
      'POST tus': plainText('', 201, {
        location: uploadURL,
        'stream-media-id': uid,
      }),
      'HEAD offset': plainText('', 200, { 'upload-offset': '0' }),
      'GET list': success(request.url.includes('pendingupload') ? orphans : []),
    }
    const answerer = answers[call] ?? success(null)
    answerer(response, request)
  }

  return {
    url: stub.url,
    asked,
    minted,
    failWith(next, options = { lists: false }) {
      failing = next
      listsWork = options.lists
      if (next === null) orphans = []
    },
  }
}

function metaOf({ body }: ReceivedRequest): unknown {
  const order: unknown = JSON.parse(body)
  return typeof order === 'object' && order !== null && 'meta' in order ? order.meta : {}
}
