/** Sends a file by tus, resumed at the server's offset. https://tus.io/protocols/resumable-upload */
import { Upload } from 'tus-js-client'
import { connectionError } from './multipart-post.ts'
import {
  type TransferResult,
  type TransferDependencies,
  type Transfer,
  resultOfStatus,
} from './transfer.ts'
import { waitBeforeRetry } from '../retry.ts'

/**
 * Sends the rest of the file from Stream's offset and retries until it is complete. Each newly
 * accepted byte resets the failure count. tus-js-client's own retries are off, so that all requests
 * of the client follow one retry policy.
 */
export async function uploadByTus(
  dependencies: TransferDependencies,
  transfer: Transfer,
): Promise<TransferResult> {
  let acceptedBytes = 0
  let failures = 0
  const onAccepted = (bytes: number): void => {
    if (bytes > acceptedBytes) failures = 0
    acceptedBytes = bytes
  }
  for (;;) {
    try {
      return await sendOnce(transfer, onAccepted)
    } catch (error) {
      await waitBeforeRetry(dependencies, transfer.signal, error, failures)
      failures += 1
    }
  }
}

function sendOnce(
  { file, destination, signal, onSent }: Transfer,
  onAccepted: (bytes: number) => void,
): Promise<TransferResult> {
  return new Promise((resolve, reject) => {
    const upload = new Upload(file, {
      // Not `endpoint`, which would mint another upload.
      uploadUrl: destination.uploadURL,
      uploadSize: file.size,
      chunkSize: destination.chunkSizeBytes,
      retryDelays: null,
      fileReader: { openFile: async () => openTusSource(file, signal) },
      // Otherwise tus-js-client would store the URL, a secret; the resume store holds the entry.
      storeFingerprintForResuming: false,
      fingerprint: async () => '',
      onProgress: onSent,
      onChunkComplete: (_chunkBytes, bytes) => onAccepted(bytes),
      onSuccess: () => end(() => resolve({ kind: 'sent' })),
      onError: (error) => {
        const response = 'originalResponse' in error ? error.originalResponse : null
        end(() => {
          // The error contains the URL, so it is not passed on.
          if (response === null) throw connectionError()
          const status = response.getStatus()
          // After an offset conflict the next attempt reads the offset again.
          if (status === 409) throw connectionError()
          resolve(resultOfStatus(status))
        })
      },
    })
    const abort = (): void => {
      void upload.abort()
      reject(signal.reason)
    }
    /** Calls `settle` once; an error that it throws rejects the promise. */
    function end(callback: () => void): void {
      signal.removeEventListener('abort', abort)
      try {
        callback()
      } catch (error) {
        reject(error)
      }
    }
    signal.addEventListener('abort', abort)
    if (signal.aborted) abort()
    else upload.start()
  })
}

/**
 * Adapts a Blob to tus-js-client, whose Node build reads only buffers and streams.
 * https://github.com/tus/tus-js-client/blob/v4.3.1/lib/node/fileReader.js
 */

/** Slices of a file, and its size in bytes. */
export interface TusFileSource {
  readonly size: number
  slice(start: number, end: number): Promise<{ value: unknown; done: boolean }>
  close(): void
}

/** Holds at most one chunk in memory; none in a browser. */
export function openTusSource(file: Blob, signal: AbortSignal): TusFileSource {
  return {
    size: file.size,
    async slice(start, end) {
      const part = file.slice(start, end)
      // XMLHttpRequest reads a Blob from disk while sending; Node requests need bytes.
      const value =
        typeof XMLHttpRequest === 'function'
          ? part
          : sized(new Uint8Array(await part.arrayBuffer()))
      // Without this, tus-js-client sends the chunk even if it was aborted during the read.
      signal.throwIfAborted()
      return { value, done: end >= file.size }
    },
    close() {},
  }
}

/** tus-js-client derives Content-Length from `size`, which typed arrays lack. */
function sized(bytes: Uint8Array): Uint8Array {
  return Object.assign(bytes, { size: bytes.byteLength })
}
