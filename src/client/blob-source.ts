/**
 * A Blob as tus-js-client reads it: its build for Node knows buffers and streams only.
 * https://github.com/tus/tus-js-client/blob/v4.3.1/lib/node/fileReader.js
 */

/** Slices of a file, and its size in bytes. */
export interface BlobSource {
  readonly size: number
  slice(start: number, end: number): Promise<{ value: unknown; done: boolean }>
  close(): void
}

/** No more than one chunk is in memory at any time; in a browser, none. */
export function openBlob(file: Blob, signal: AbortSignal): BlobSource {
  return {
    size: file.size,
    async slice(start, end) {
      const part = file.slice(start, end)
      // XMLHttpRequest reads a Blob from the disk while it sends; Node's requests want bytes.
      const value =
        typeof XMLHttpRequest === 'function'
          ? part
          : sized(new Uint8Array(await part.arrayBuffer()))
      // tus-js-client would send what was read, although it was told to stop meanwhile.
      signal.throwIfAborted()
      return { value, done: end >= file.size }
    },
    close() {},
  }
}

/** tus-js-client takes Content-Length from `size`, which a Blob has and an array has not. */
function sized(bytes: Uint8Array): Uint8Array {
  return Object.assign(bytes, { size: bytes.byteLength })
}
