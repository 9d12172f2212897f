/** Sends a file to a one-time upload URL like a browser: by one POST, or by tus. */
import { createReadStream, openAsBlob } from 'node:fs'
import { stat } from 'node:fs/promises'
import { Upload } from 'tus-js-client'

/** Receives the number of bytes sent so far. */
type Progress = (sentBytes: number) => void

/** Sends one multipart POST with the field `file`. */
export async function uploadBasic(
  uploadURL: string,
  path: string,
  progress: Progress,
): Promise<void> {
  const file = await openAsBlob(path)
  const form = new FormData()
  form.set('file', file, 'testcard.mp4')
  progress(0)
  const response = await fetch(uploadURL, { method: 'POST', body: form })
  if (!response.ok)
    throw new Error(`The POST failed with status ${response.status}: ${await response.text()}`)
  progress(file.size)
}

/** Uploads by tus. The minted URL is `uploadUrl`: as `endpoint`, it would mint another upload. */
export async function uploadTus(
  uploadURL: string,
  path: string,
  chunkSizeBytes: number,
  progress: Progress,
): Promise<void> {
  const { size } = await stat(path)
  await new Promise<void>((resolve, reject) => {
    const upload = new Upload(createReadStream(path), {
      uploadUrl: uploadURL,
      uploadSize: size,
      chunkSize: chunkSizeBytes,
      retryDelays: [0, 500, 1000, 3000],
      onProgress: progress,
      onSuccess: () => resolve(),
      onError: reject,
    })
    upload.start()
  })
}
