/**
 * `env.STREAM` for Workers in local development: sends the binding's calls to a running emulator.
 * Cloudflare's own simulator has no direct uploads; see README.md in this folder. Uses only
 * `fetch`, so that it runs in workerd and in Node.
 */
import { BindingError, notImplemented, errorNameFor } from './binding-error.ts'
import type { StreamBinding, VideoHandle, WatermarkParams } from './binding-types.ts'
import {
  envelopeSchema,
  readBoundVideo,
  readBoundVideos,
  readDirectUpload,
  readToken,
  readWatermark,
  readWatermarks,
} from './map-responses.ts'
import { listParameters } from './list-window.ts'

export { BindingError, type BindingErrorName } from './binding-error.ts'
export type {
  BoundVideo,
  BoundWatermark,
  Comparison,
  DirectUpload,
  DirectUploadParams,
  StreamBinding,
  UpdateVideoParams,
  VideoHandle,
  VideosListParams,
  WatermarkParams,
} from './binding-types.ts'

/** Values that `headgate emulator` prints and `startEmulator()` returns. */
export interface StreamBindingOptions {
  /** Such as `http://127.0.0.1:4001/client/v4`. */
  readonly apiBaseUrl: string
  readonly accountId: string
  readonly token: string
}

/** One request to the API. */
interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Path and query after `/stream`. */
  readonly path: string
  /** Sent as a form, or as JSON. */
  readonly body?: object
}

/** Calls reject with a `BindingError`, or with a ZodError for a result in an unknown format. */
export function createStreamBinding(options: StreamBindingOptions): StreamBinding {
  const { apiBaseUrl, accountId, token } = options
  const streamUrl = `${apiBaseUrl.replace(/\/+$/, '')}/accounts/${accountId}/stream`

  /** Resolves to `result`; undefined for a success without a body. */
  async function sendRequest({ method, path, body }: ApiRequest): Promise<unknown> {
    const { status, ok, text } = await send(`${streamUrl}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        // `fetch` adds the type of a form, with its boundary.
        ...(body instanceof FormData ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined
        ? {}
        : { body: body instanceof FormData ? body : JSON.stringify(body) }),
    })
    if (ok && text === '') return undefined
    const envelope = envelopeSchema.safeParse(parseJson(text)).data
    if (ok && envelope?.success === true) return envelope.result
    const [error] = envelope?.errors ?? []
    const code = error?.code ?? 0
    const reasons = [error?.message, envelope?.messages[0]?.message]
    const details = reasons.filter((reason) => reason !== undefined).join(': ')
    const message = details === '' ? `The emulator responded with HTTP ${status}.` : details
    throw new BindingError(errorNameFor(status, path), message, code, ok ? 500 : status)
  }

  function video(id: string): VideoHandle {
    const path = `/${encodeURIComponent(id)}`
    return {
      id,
      details: async () => readBoundVideo(await sendRequest({ method: 'GET', path })),
      update: async (body) => readBoundVideo(await sendRequest({ method: 'POST', path, body })),
      async delete() {
        await sendRequest({ method: 'DELETE', path })
      },
      generateToken: async () =>
        readToken(await sendRequest({ method: 'POST', path: `${path}/token` })),
      downloads: {
        generate: notImplemented('downloads.generate()'),
        get: notImplemented('downloads.get()'),
        delete: notImplemented('downloads.delete()'),
      },
      captions: {
        upload: notImplemented('captions.upload()'),
        generate: notImplemented('captions.generate()'),
        list: notImplemented('captions.list()'),
        delete: notImplemented('captions.delete()'),
      },
    }
  }

  return {
    async createDirectUpload(params) {
      const { watermark, ...others } = params
      const body =
        watermark === undefined ? others : { ...others, watermark: { uid: watermark.id } }
      return readDirectUpload(await sendRequest({ method: 'POST', path: '/direct_upload', body }))
    },
    video,
    videos: {
      async list(params = {}) {
        const parameters = listParameters(params)
        if (parameters === null) return []
        return readBoundVideos(
          await sendRequest({ method: 'GET', path: `?${parameters.toString()}` }),
        )
      },
    },
    upload: notImplemented('upload()'),
    watermarks: {
      async generate(image, params = {}) {
        const body =
          typeof image === 'string' ? { ...params, url: image } : await formOf(image, params)
        return readWatermark(await sendRequest({ method: 'POST', path: '/watermarks', body }))
      },
      list: async () => readWatermarks(await sendRequest({ method: 'GET', path: '/watermarks' })),
      get: async (id) =>
        readWatermark(await sendRequest({ method: 'GET', path: watermarkPath(id) })),
      async delete(id) {
        await sendRequest({ method: 'DELETE', path: watermarkPath(id) })
      },
    },
  }
}

function watermarkPath(id: string): string {
  return `/watermarks/${encodeURIComponent(id)}`
}

async function formOf(
  image: ReadableStream<Uint8Array>,
  params: WatermarkParams,
): Promise<FormData> {
  const form = new FormData()
  form.set('file', await new Response(image).blob(), 'image.png')
  for (const [key, value] of Object.entries(params)) {
    if (value !== undefined) form.set(key, String(value))
  }
  return form
}

async function send(url: string, init: RequestInit) {
  try {
    const response = await fetch(url, init)
    return { status: response.status, ok: response.ok, text: await response.text() }
  } catch (cause) {
    const message = `The emulator at ${new URL(url).origin} does not respond. Start it with \`npx headgate emulator\`.`
    throw new BindingError('InternalError', message, 0, 500, { cause })
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
