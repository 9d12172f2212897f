/** Plays the gateway and Stream's upload host for a client. A test replaces responses of the upload host. */
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'
import { z } from 'zod'
import type { ClientClock } from '../../src/client/clock.ts'
import { listen } from '../kit/listen.ts'

/** One request to the upload URL, after the host counted its bytes. */
export interface TusRequest {
  readonly method: 'HEAD' | 'PATCH'
  /** Upload-Offset of the request; null without. */
  readonly offset: string | null
  readonly bodyBytes: number
}

/** State of the host when it responds. */
export interface HostState {
  readonly storedBytes: number
  readonly fileBytes: number
}

/** Replaces members of a correct response. */
export interface TusReply {
  readonly status?: number
  /** Undefined removes a header. */
  readonly headers?: Readonly<Record<string, string | undefined>>
  /** Maximum bytes of this PATCH to store; default: all. */
  readonly storeBytes?: number
  /** `response`: the connection breaks without a response. `body`: it breaks within the response's body. */
  readonly cut?: 'response' | 'body'
}

/** Returns the reply to the request with this index; null for a correct one. */
export type Script = (
  request: Pick<TusRequest, 'method' | 'bodyBytes'>,
  index: number,
) => ((state: HostState) => TusReply) | null

export interface TusHost {
  /** URL of the GraphQL endpoint. */
  readonly url: string
  readonly requests: readonly TusRequest[]
  /** Uploads that were minted. */
  readonly mints: number
  /** Bytes that the newest upload holds. */
  readonly storedBytes: number
  /** Body bytes of all PATCH requests. */
  readonly receivedBytes: number
  /** Replaces the script. */
  follow(script: Script): void
  /** Starts over, for another file. */
  reset(script: Script, chunkSizeBytes: number): void
  stop(): Promise<void>
}

/** One upload of the host. */
interface HostUpload {
  storedBytes: number
  readonly sizeBytes: number
  /** Tells the newest subscription that all bytes are stored. */
  onStored: () => void
}

const graphQLBody = z.object({
  query: z.string(),
  variables: z.object({ input: z.object({ sizeBytes: z.number() }).optional() }),
})

/** Starts a host on a free port. Without `stop`, it ends with the test. */
export async function startTusHost(script: Script, chunkSizeBytes: number): Promise<TusHost> {
  let current = { script, chunkSizeBytes }
  let requests: TusRequest[] = []
  let uploads: HostUpload[] = []

  const server = createServer((request, response) => {
    respond(request, response).catch(() => response.destroy())
  })
  const { origin, close } = await listen(server)

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url === '/graphql') return respondGraphQL(await buffer(request), response)
    const bodyBytes = await countBytes(request)
    const upload = uploads[Number(request.url?.slice('/files/'.length))]
    if (upload === undefined) return void response.end('<h1>Sign in</h1>')
    const method = request.method === 'HEAD' ? 'HEAD' : 'PATCH'
    const reply = current.script({ method, bodyBytes }, requests.length)
    const offset = request.headers['upload-offset']
    const isInPlace = method === 'PATCH' && Number(offset) === upload.storedBytes
    const storeBytes = replyTo(reply, upload).storeBytes ?? bodyBytes
    if (isInPlace) {
      const freeBytes = upload.sizeBytes - upload.storedBytes
      upload.storedBytes += Math.min(storeBytes, bodyBytes, freeBytes)
      if (upload.storedBytes === upload.sizeBytes) upload.onStored()
    }
    requests.push({
      method,
      offset: typeof offset === 'string' ? offset : null,
      bodyBytes,
    })
    const correctStatus = method === 'HEAD' ? 200 : isInPlace ? 204 : 409
    sendReply(response, replyTo(reply, upload), correctStatus, upload)
  }

  function respondGraphQL(body: Buffer, response: ServerResponse): void {
    const { query, variables } = graphQLBody.parse(JSON.parse(body.toString()))
    if (query.includes('MintTus')) {
      const sizeBytes = variables.input?.sizeBytes ?? 0
      uploads.push({ storedBytes: 0, sizeBytes, onStored: () => {} })
    }
    const index = uploads.length - 1
    const upload = uploads[index]
    const isStored = upload !== undefined && upload.storedBytes === upload.sizeBytes
    const uploadURL = `${origin}/files/${index}`
    if (query.startsWith('subscription')) {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      const send = (status: string): void => {
        const outcome = uploadResult(index, status)
        response.write(`event: next\ndata: ${JSON.stringify({ data: { outcome } })}\n\n`)
        if (status === 'READY') response.end()
      }
      send(isStored ? 'READY' : 'UPLOADING')
      // The client watches while it sends, so the connection stays open until the file is stored.
      if (upload !== undefined) upload.onStored = () => send('READY')
      return
    }
    const result = uploadResult(index, isStored ? 'READY' : 'UPLOADING')
    const outcome = query.includes('MintTus')
      ? { uploadURL, chunkSizeBytes: current.chunkSizeBytes, upload: result }
      : { ...result, uploadURL: isStored ? null : uploadURL }
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ data: { outcome } }))
  }

  return {
    url: `${origin}/graphql`,
    get requests() {
      return requests
    },
    get mints() {
      return uploads.length
    },
    get storedBytes() {
      return uploads.at(-1)?.storedBytes ?? 0
    },
    get receivedBytes() {
      return requests.reduce((sum, { bodyBytes }) => sum + bodyBytes, 0)
    },
    follow(newScript) {
      current = { ...current, script: newScript }
    },
    reset(newScript, newChunkSizeBytes) {
      current = { script: newScript, chunkSizeBytes: newChunkSizeBytes }
      requests = []
      uploads = []
    },
    stop: close,
  }
}

/** Like `startTusHost`, and stops the host when the test ends. */
export async function startTestHost(script: Script, chunkSizeBytes: number): Promise<TusHost> {
  const host = await startTusHost(script, chunkSizeBytes)
  onTestFinished(() => host.stop())
  return host
}

/** A clock on which a backoff takes no time. Waits of 30 seconds, for silent connections, end on abort only. */
export function createImpatientClock(): ClientClock & { readonly waits: readonly number[] } {
  const waits: number[] = []
  return {
    waits,
    now: () => new Date(),
    wait: (milliseconds, signal) =>
      new Promise((resolve) => {
        if (milliseconds < 30_000 || signal?.aborted === true) {
          waits.push(milliseconds)
          resolve()
        } else {
          signal?.addEventListener('abort', () => resolve(), { once: true })
        }
      }),
  }
}

async function countBytes(request: IncomingMessage): Promise<number> {
  let bytes = 0
  for await (const piece of request) if (Buffer.isBuffer(piece)) bytes += piece.length
  return bytes
}

function replyTo(
  reply: ((state: HostState) => TusReply) | null,
  { storedBytes, sizeBytes }: HostUpload,
): TusReply {
  return reply?.({ storedBytes, fileBytes: sizeBytes }) ?? {}
}

function sendReply(
  response: ServerResponse,
  { status, headers = {}, cut }: TusReply,
  correctStatus: number,
  { storedBytes, sizeBytes }: HostUpload,
): void {
  if (cut === 'response') {
    response.destroy()
    return
  }
  response.statusCode = status ?? correctStatus
  const all = {
    'tus-resumable': '1.0.0',
    'upload-offset': String(storedBytes),
    'upload-length': String(sizeBytes),
    ...headers,
  }
  for (const [name, value] of Object.entries(all)) {
    if (value !== undefined) response.setHeader(name, value)
  }
  if (cut !== 'body') {
    response.end()
    return
  }
  response.setHeader('content-length', '1000')
  response.write('<h1>', () => response.destroy())
}

const VIDEO = {
  durationSeconds: 1,
  width: 640,
  height: 360,
  sizeBytes: 100,
  hlsURL: 'https://videos.example.com/video.m3u8',
  dashURL: 'https://videos.example.com/video.mpd',
  thumbnailURL: 'https://videos.example.com/thumbnail.jpg',
  previewURL: 'https://videos.example.com/watch',
  readyAt: '2026-01-01T00:00:00Z',
}

/** An upload as the gateway returns it. */
function uploadResult(index: number, status: string) {
  return {
    id: `id-${index}`,
    uid: String(index).padStart(32, '0'),
    protocol: 'TUS',
    status,
    version: status === 'READY' ? 2 : 1,
    expiresAt: '2100-01-01T00:00:00Z',
    createdAt: '2026-01-01T00:00:00Z',
    updatedAt: '2026-01-01T00:00:00Z',
    creator: null,
    name: null,
    meta: {},
    constraints: {
      maxDurationSeconds: 60,
      maxSizeBytes: 1000,
      allowedOrigins: [],
      requireSignedURLs: false,
      scheduledDeletion: null,
    },
    progress: { totalBytes: null, receivedBytes: null, encodingPercent: null },
    failure: null,
    video: status === 'READY' ? VIDEO : null,
  }
}
