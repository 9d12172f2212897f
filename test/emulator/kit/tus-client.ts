/** Uploads with tus-js-client, and single tus requests. */
import { Readable } from 'node:stream'

import { Upload, type UploadOptions } from 'tus-js-client'

/** Uploads the file to a tus URL; resolves to the offset after each chunk. */
export async function tusUpload(
  uploadUrl: string,
  file: Blob,
  options: Partial<UploadOptions> = {},
): Promise<readonly number[]> {
  // On Node tus-js-client reads buffers, which can resume, and streams, which need little memory.
  const source =
    file.size <= 64 * 1_048_576
      ? Buffer.from(await file.arrayBuffer())
      : Readable.from(blocksOf(file), { objectMode: false })
  return new Promise((resolve, reject) => {
    const offsets: number[] = []
    const upload = new Upload(source, {
      uploadUrl,
      uploadSize: file.size,
      chunkSize: 52_428_800,
      retryDelays: [0, 10, 50, 100],
      onChunkComplete: (_size, accepted) => offsets.push(accepted),
      onSuccess: () => resolve(offsets),
      onError: reject,
      ...options,
    })
    upload.start()
  })
}

async function* blocksOf(file: Blob): AsyncGenerator<Buffer> {
  const block = 1_048_576
  for (let start = 0; start < file.size; start += block) {
    yield Buffer.from(await file.slice(start, start + block).arrayBuffer())
  }
}

/** Sends one PATCH. `headers` override the valid defaults. */
export function patch(
  uploadUrl: string,
  offset: number,
  body: Blob | Uint8Array<ArrayBuffer>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return fetch(uploadUrl, {
    method: 'PATCH',
    headers: {
      'tus-resumable': '1.0.0',
      'upload-offset': String(offset),
      'content-type': 'application/offset+octet-stream',
      ...headers,
    },
    body,
  })
}

export function head(uploadUrl: string): Promise<Response> {
  return fetch(uploadUrl, { method: 'HEAD', headers: { 'tus-resumable': '1.0.0' } })
}

/** Returns the Upload-Offset of a HEAD response; NaN if there is none. */
export async function offsetOf(uploadUrl: string): Promise<number> {
  return Number((await head(uploadUrl)).headers.get('upload-offset') ?? Number.NaN)
}
