/** Sends a file to a one-time URL, as a browser would: by one POST, or by tus. */
import { createReadStream, openAsBlob } from 'node:fs'
import { stat } from 'node:fs/promises'
import { Upload } from 'tus-js-client'

/** Told how many bytes have gone up. */
type Progress = (sentBytes: number) => void

/** One multipart POST of the field `file`. */
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
    throw new Error(`The POST was answered ${response.status}: ${await response.text()}`)
  progress(file.size)
}

/** tus with the minted URL as `uploadUrl`: given as `endpoint`, it would try to mint another. */
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
