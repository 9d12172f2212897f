/** Uploads to a minted URL by tus-js-client, as a promise. */
import { Readable } from 'node:stream'
import { Upload, type UploadOptions } from 'tus-js-client'

/** Files up to this size are passed as a buffer, so that an upload can resume at any offset. */
const IN_MEMORY_BYTES = 32_000_000

/** Resolves when the upload is complete; rejects with the client's error. */
export async function uploadByTus(
  uploadURL: string,
  file: Blob,
  options: Partial<UploadOptions> = {},
): Promise<void> {
  const source =
    file.size <= IN_MEMORY_BYTES
      ? Buffer.from(await file.arrayBuffer())
      : Readable.from(chunksOf(file), { objectMode: false })
  await new Promise<void>((resolve, reject) => {
    const upload = new Upload(source, {
      uploadUrl: uploadURL,
      uploadSize: file.size,
      chunkSize: 52_428_800,
      retryDelays: null,
      onSuccess: () => resolve(),
      onError: reject,
      ...options,
    })
    upload.start()
  })
}

async function* chunksOf(file: Blob): AsyncGenerator<Uint8Array> {
  const reader = file.stream().getReader()
  for (;;) {
    const { value } = await reader.read()
    if (value === undefined) return
    yield value
  }
}
