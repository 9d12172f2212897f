/**
 * `env.STREAM` for anybody's Worker in local development: an object with the binding's calls that
 * speaks to a running emulator. Cloudflare's own simulator has no direct uploads; see binding.md.
 * Nothing but `fetch` is used, so that it runs in workerd and in Node.
 */
import { BindingError, missing, nameOfRefusal } from './binding-error.ts'
import type { StreamBinding, VideoHandle } from './binding-types.ts'
import {
  envelopeSchema,
  readBoundVideo,
  readBoundVideos,
  readDirectUpload,
} from './map-responses.ts'
import { windowParameters } from './list-window.ts'

export { BindingError, type BindingErrorName } from './binding-error.ts'
export type {
  BoundVideo,
  Comparison,
  DirectUpload,
  DirectUploadParams,
  StreamBinding,
  UpdateVideoParams,
  VideoHandle,
  VideosListParams,
} from './binding-types.ts'

/** What `headgate emulator` prints, and what `startEmulator()` has. */
export interface StreamBindingOptions {
  /** Such as `http://127.0.0.1:4001/client/v4`. */
  readonly apiBaseUrl: string
  readonly accountId: string
  readonly token: string
}

/** One call of the API. */
interface ApiCall {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** What follows `/stream`. */
  readonly path: string
  readonly body?: object
}

/** All calls throw `BindingError`, whose `name` says what went wrong. */
export function createStreamBinding(options: StreamBindingOptions): StreamBinding {
  const { apiBaseUrl, accountId, token } = options
  const streamUrl = `${apiBaseUrl.replace(/\/+$/, '')}/accounts/${accountId}/stream`

  /** The result; undefined where a success has no body. */
  async function call({ method, path, body }: ApiCall): Promise<unknown> {
    const { status, ok, text } = await send(`${streamUrl}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (ok && text === '') return undefined
    const envelope = envelopeSchema.safeParse(parseJson(text)).data
    if (ok && envelope?.success === true) return envelope.result
    const [error] = envelope?.errors ?? []
    const code = error?.code ?? 0
    const reasons = [error?.message, envelope?.messages[0]?.message]
    const words = reasons.filter((reason) => reason !== undefined).join(': ')
    const message = words === '' ? `The emulator answered with HTTP ${status}.` : words
    throw new BindingError(nameOfRefusal(status), message, code, ok ? 500 : status)
  }

  function video(id: string): VideoHandle {
    const path = `/${encodeURIComponent(id)}`
    return {
      id,
      details: async () => readBoundVideo(await call({ method: 'GET', path })),
      update: async (body) => readBoundVideo(await call({ method: 'POST', path, body })),
      async delete() {
        await call({ method: 'DELETE', path })
      },
      generateToken: missing('generateToken()'),
      downloads: {
        generate: missing('downloads.generate()'),
        get: missing('downloads.get()'),
        delete: missing('downloads.delete()'),
      },
      captions: {
        upload: missing('captions.upload()'),
        generate: missing('captions.generate()'),
        list: missing('captions.list()'),
        delete: missing('captions.delete()'),
      },
    }
  }

  return {
    async createDirectUpload(params) {
      const { watermark, ...others } = params
      const body =
        watermark === undefined ? others : { ...others, watermark: { uid: watermark.id } }
      return readDirectUpload(await call({ method: 'POST', path: '/direct_upload', body }))
    },
    video,
    videos: {
      async list(params = {}) {
        const parameters = windowParameters(params)
        if (parameters === null) return []
        return readBoundVideos(await call({ method: 'GET', path: `?${parameters.toString()}` }))
      },
    },
    upload: missing('upload()'),
    watermarks: {
      generate: missing('watermarks.generate()'),
      list: missing('watermarks.list()'),
      get: missing('watermarks.get()'),
      delete: missing('watermarks.delete()'),
    },
  }
}

async function send(url: string, init: RequestInit) {
  try {
    const response = await fetch(url, init)
    return { status: response.status, ok: response.ok, text: await response.text() }
  } catch (cause) {
    const message = `The emulator at ${new URL(url).origin} does not answer: is \`npx headgate emulator\` running there?`
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
