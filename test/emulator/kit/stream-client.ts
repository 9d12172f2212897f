/** A client of Stream's REST API for the tests of the emulator. */
import { z } from 'zod'

import type { Emulator } from '../../../src/emulator/emulator.ts'

export const videoSchema = z.looseObject({
  uid: z.string(),
  creator: z.string().nullable(),
  readyToStream: z.boolean(),
  status: z.looseObject({
    state: z.string(),
    pctComplete: z.string(),
    errorReasonCode: z.string(),
    errorReasonText: z.string(),
  }),
  meta: z.record(z.string(), z.json()),
  created: z.string(),
  modified: z.string(),
  uploadExpiry: z.string(),
  size: z.number(),
  duration: z.number(),
  preview: z.string(),
  thumbnail: z.string(),
  playback: z.object({ hls: z.string(), dash: z.string() }),
})
export type StreamVideoJson = z.infer<typeof videoSchema>

const envelopeSchema = z.looseObject({
  result: z.unknown(),
  success: z.boolean(),
  errors: z.array(z.object({ code: z.number(), message: z.string() })),
  messages: z.array(z.object({ code: z.number(), message: z.string() })),
})

/** One response of the API: the status, its first error code and its first message. */
export interface ApiResponse {
  readonly status: number
  readonly result: unknown
  /** Null if the request succeeded. */
  readonly code: number | null
  /** The first of `messages`; null if there is none. */
  readonly reason: string | null
  readonly headers: Headers
  readonly envelope: Readonly<Record<string, unknown>>
}

export interface MintedUrl {
  readonly uid: string
  readonly uploadURL: string
}

const mintedSchema = z.looseObject({ uid: z.string(), uploadURL: z.string() })
const webhookSchema = z.object({
  notificationUrl: z.string(),
  modified: z.string(),
  secret: z.string().regex(/^[0-9a-f]{32}$/),
})
const usageSchema = z.object({
  creator: z.string().nullable(),
  totalStorageMinutes: z.number(),
  totalStorageMinutesLimit: z.number(),
  videoCount: z.number(),
})

/** Formats an Upload-Metadata header; a null value writes the key alone. */
export function uploadMetadata(pairs: Readonly<Record<string, string | null>>): string {
  return Object.entries(pairs)
    .map(([key, value]) =>
      value === null ? key : `${key} ${Buffer.from(value).toString('base64')}`,
    )
    .join(',')
}

export type StreamClient = ReturnType<typeof createStreamClient>

export function createStreamClient(emulator: Pick<Emulator, 'accountId' | 'apiBaseUrl' | 'token'>) {
  const base = `${emulator.apiBaseUrl}/accounts/${emulator.accountId}/stream`

  const raw = (method: string, path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${base}${path}`, {
      ...init,
      method,
      headers: {
        authorization: `Bearer ${emulator.token}`,
        ...Object.fromEntries(new Headers(init.headers)),
      },
    })

  const call = async (
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<ApiResponse> => {
    const response = await raw(method, path, {
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return readResponse(response)
  }

  const mintTusRaw = (
    uploadLength: number | string,
    metadata: Readonly<Record<string, string | null>> = {},
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Response> =>
    raw('POST', '?direct_user=true', {
      headers: {
        'tus-resumable': '1.0.0',
        'upload-length': String(uploadLength),
        ...(Object.keys(metadata).length > 0
          ? { 'upload-metadata': uploadMetadata(metadata) }
          : {}),
        ...headers,
      },
    })

  return {
    raw,
    call,
    mintTusRaw,
    async mintBasic(params: Readonly<Record<string, unknown>>): Promise<MintedUrl> {
      return mintedSchema.parse((await call('POST', '/direct_upload', params)).result)
    },
    async mintTus(
      uploadLength: number,
      metadata: Readonly<Record<string, string | null>> = { maxDurationSeconds: '60' },
      headers: Readonly<Record<string, string>> = {},
    ): Promise<MintedUrl> {
      const response = await mintTusRaw(uploadLength, metadata, headers)
      if (response.status !== 201) throw new Error(`${response.status} ${await response.text()}`)
      return mintedSchema.parse({
        uid: response.headers.get('stream-media-id'),
        uploadURL: response.headers.get('location'),
      })
    },
    async details(uid: string): Promise<StreamVideoJson> {
      return videoSchema.parse((await call('GET', `/${uid}`)).result)
    },
    async list(query = ''): Promise<StreamVideoJson[]> {
      return z.array(videoSchema).parse((await call('GET', query)).result)
    },
    async usage(creator?: string): Promise<z.infer<typeof usageSchema>> {
      const query = creator === undefined ? '' : `?creator=${encodeURIComponent(creator)}`
      return usageSchema.parse((await call('GET', `/storage-usage${query}`)).result)
    },
    async putWebhook(notificationUrl: string): Promise<z.infer<typeof webhookSchema>> {
      return webhookSchema.parse((await call('PUT', '/webhook', { notificationUrl })).result)
    },
    /** Posts the file as a multipart form. */
    sendFile(uploadURL: string, file: Blob, field = 'file'): Promise<Response> {
      const form = new FormData()
      form.append(field, file, 'film.mp4')
      return fetch(uploadURL, { method: 'POST', body: form })
    },
  }
}

async function readResponse(response: Response): Promise<ApiResponse> {
  const text = await response.text()
  const envelope = text === '' ? null : envelopeSchema.parse(JSON.parse(text))
  return {
    status: response.status,
    result: envelope?.result ?? null,
    code: envelope?.errors[0]?.code ?? null,
    reason: envelope?.messages[0]?.message ?? null,
    headers: response.headers,
    envelope: envelope ?? {},
  }
}
