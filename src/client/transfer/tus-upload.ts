/** Sends a file by tus, from wherever Stream has got to. https://tus.io/protocols/resumable-upload */
import { Upload } from 'tus-js-client'
import { openBlob } from '../blob-source.ts'
import { broken } from './multipart-post.ts'
import { type SendOutcome, type SendParts, type Sending, judgeStatus } from './transfer.ts'
import { waitAfter } from '../retry.ts'

/**
 * Asks Stream for its offset and goes on from there, as often as it takes; every byte that has
 * arrived makes the patience new. Trying again is done here and not by tus-js-client, so that one
 * rule holds for all that the client does.
 */
export async function sendByTus(parts: SendParts, sending: Sending): Promise<SendOutcome> {
  let acceptedBytes = 0
  let failures = 0
  const onAccepted = (bytes: number): void => {
    if (bytes > acceptedBytes) failures = 0
    acceptedBytes = bytes
  }
  for (;;) {
    try {
      return await sendOnce(sending, onAccepted)
    } catch (error) {
      await waitAfter(parts, sending.signal, error, failures)
      failures += 1
    }
  }
}

function sendOnce(
  { file, destination, signal, onSent }: Sending,
  onAccepted: (bytes: number) => void,
): Promise<SendOutcome> {
  return new Promise((resolve, reject) => {
    const upload = new Upload(file, {
      // Not `endpoint`, which would mint another.
      uploadUrl: destination.uploadURL,
      uploadSize: file.size,
      chunkSize: destination.chunkSizeBytes,
      retryDelays: null,
      fileReader: { openFile: async () => openBlob(file, signal) },
      // What is remembered, and where, is not tus-js-client's to decide: it would store the URL.
      storeFingerprintForResuming: false,
      fingerprint: async () => '',
      onProgress: onSent,
      onChunkComplete: (_chunkBytes, bytes) => onAccepted(bytes),
      onSuccess: () => end(() => resolve({ kind: 'sent' })),
      onError: (error) => {
        const response = 'originalResponse' in error ? error.originalResponse : null
        end(() => {
          // The error itself names the URL, and goes no further.
          if (response === null) throw broken()
          const status = response.getStatus()
          // A conflict of offsets is settled by asking for the offset again.
          if (status === 409) throw broken()
          resolve(judgeStatus(status))
        })
      },
    })
    const abort = (): void => {
      void upload.abort()
      reject(signal.reason)
    }
    /** Settles the promise with what this throws, or does. */
    function end(settle: () => void): void {
      signal.removeEventListener('abort', abort)
      try {
        settle()
      } catch (error) {
        reject(error)
      }
    }
    signal.addEventListener('abort', abort)
    if (signal.aborted) abort()
    else upload.start()
  })
}
