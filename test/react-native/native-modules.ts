/** The native half of React Native's networking, files and blobs, in Node: requests by `http`, files by `fs`. */
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { type IncomingMessage, request } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'

const blobData = z.object({ blobId: z.string(), offset: z.number(), size: z.number() })
const formPart = z.object({
  headers: z.record(z.string(), z.string()),
  string: z.string().optional(),
  uri: z.string().optional(),
})
const body = z.object({
  string: z.string().optional(),
  base64: z.string().optional(),
  blob: blobData.optional(),
  formData: z.array(formPart).optional(),
})
const query = z.object({
  method: z.string(),
  url: z.string(),
  headers: z.record(z.string(), z.string()),
  data: body,
  responseType: z.enum(['text', 'base64', 'blob']),
})
const blobContents = z.array(
  z.union([
    z.object({ type: z.literal('string'), data: z.string() }),
    z.object({ type: z.literal('blob'), data: blobData }),
  ]),
)

/** Bytes of an upload that are handed over, and reported, at once. */
const PIECE_BYTES = 262_144

const noop = (): void => {}

type Emit = (event: string, args: readonly unknown[]) => void

/** Returns the native modules by name. `emit` passes an event to JavaScript. */
export function createNativeModules(emit: Emit): Readonly<Record<string, object>> {
  const blobs = new Map<string, Buffer>()
  const running = new Map<number, () => void>()
  let requests = 0

  function bytesOf({ blobId, offset, size }: z.infer<typeof blobData>): Buffer {
    const bytes = blobs.get(blobId)
    if (bytes === undefined) throw new Error('The blob was released.')
    return bytes.subarray(offset, offset + size)
  }

  function createBlob(given: unknown, id: string): void {
    const contents = blobContents.parse(given)
    const bytes = contents.map((content) =>
      content.type === 'string' ? Buffer.from(content.data) : bytesOf(content.data),
    )
    blobs.set(id, Buffer.concat(bytes))
  }

  /** Sends form fields with a uri from the disk, as both platforms do. */
  async function encode({ string, base64, blob, formData }: z.infer<typeof body>) {
    if (string !== undefined) return { bytes: Buffer.from(string) }
    if (base64 !== undefined) return { bytes: Buffer.from(base64, 'base64') }
    if (blob !== undefined) return { bytes: bytesOf(blob) }
    if (formData === undefined) return { bytes: Buffer.alloc(0) }
    const boundary = randomUUID()
    const pieces: Buffer[] = []
    for (const part of formData) {
      const lines = Object.entries(part.headers).map(([name, value]) => `${name}: ${value}\r\n`)
      pieces.push(Buffer.from(`--${boundary}\r\n${lines.join('')}\r\n`))
      pieces.push(
        part.uri === undefined
          ? Buffer.from(part.string ?? '')
          : await readFile(fileURLToPath(part.uri)),
      )
      pieces.push(Buffer.from('\r\n'))
    }
    pieces.push(Buffer.from(`--${boundary}--\r\n`))
    return {
      bytes: Buffer.concat(pieces),
      contentType: `multipart/form-data; boundary=${boundary}`,
    }
  }

  function valueOf(bytes: Buffer, responseType: z.infer<typeof query>['responseType']): unknown {
    if (responseType === 'text') return bytes.toString()
    if (responseType === 'base64') return bytes.toString('base64')
    const blobId = randomUUID()
    blobs.set(blobId, bytes)
    return { blobId, offset: 0, size: bytes.length }
  }

  async function send(
    id: number,
    { method, url, headers, data, responseType }: z.infer<typeof query>,
  ): Promise<void> {
    if (url.startsWith('file:')) {
      const bytes = await readFile(fileURLToPath(url))
      emit('didReceiveNetworkResponse', [id, 200, {}, url])
      emit('didReceiveNetworkData', [id, valueOf(bytes, responseType)])
      return
    }
    const { bytes, contentType } = await encode(data)
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const sent = request(url, {
        method,
        headers: {
          ...headers,
          ...(contentType === undefined ? {} : { 'content-type': contentType }),
          ...(bytes.length === 0 ? {} : { 'content-length': bytes.length }),
        },
      })
      sent.on('response', resolve)
      sent.on('error', reject)
      running.set(id, () => sent.destroy())
      const sendFrom = (start: number): void => {
        if (start >= bytes.length) return void sent.end()
        const end = Math.min(start + PIECE_BYTES, bytes.length)
        sent.write(bytes.subarray(start, end), () => {
          emit('didSendNetworkData', [id, end, bytes.length])
          sendFrom(end)
        })
      }
      sendFrom(0)
    })
    emit('didReceiveNetworkResponse', [id, response.statusCode ?? 0, { ...response.headers }, url])
    emit('didReceiveNetworkData', [id, valueOf(await buffer(response), responseType)])
  }

  async function sendToEnd(id: number, given: z.infer<typeof query>): Promise<void> {
    const error = await send(id, given).then(() => null, String)
    emit('didCompleteNetworkResponse', [id, error, false])
  }

  return {
    Networking: {
      addListener: noop,
      removeListeners: noop,
      clearCookies: noop,
      sendRequest(given: unknown, callback: (id: number) => void) {
        requests += 1
        const id = requests
        callback(id)
        void sendToEnd(id, query.parse(given))
      },
      abortRequest: (id: number) => running.get(id)?.(),
    },
    BlobModule: {
      getConstants: () => ({ BLOB_URI_SCHEME: 'blob', BLOB_URI_HOST: null }),
      addNetworkingHandler: noop,
      createFromParts: createBlob, // word-ok: a name of React Native
      release: (id: string) => blobs.delete(id),
    },
    FileReaderModule: {
      readAsDataURL: async (given: unknown) =>
        `data:;base64,${bytesOf(blobData.parse(given)).toString('base64')}`,
      readAsText: async (given: unknown) => bytesOf(blobData.parse(given)).toString(),
    },
  }
}
