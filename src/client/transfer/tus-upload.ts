/** Sends a file by tus, resumed at the server's offset. https://tus.io/protocols/resumable-upload */
import { waitBeforeRetry } from '../retry.ts'
import { MIN_CHUNK_BYTES } from '../limits.ts'
import { type MeasuredSpeed, UNKNOWN_SPEED, addChunk, chunkBytesFor } from './chunk-size.ts'
import { type HTTPResponse, connectionError, sendRequest } from './http-request.ts'
import {
  type Transfer,
  type TransferDependencies,
  type TransferResult,
  isSuccess,
  resultOfError,
  streamError,
} from './transfer.ts'

const VERSION_HEADER = { 'tus-resumable': '1.0.0' }

/** Offsets that the server reported, the failures since the highest increased, and the speed since the last failure. */
interface Offsets {
  last: number
  highest: number
  failures: number
  speed: MeasuredSpeed
}

/**
 * Sends the rest of the file from the server's offset and retries until the server confirms its last byte.
 * Each newly confirmed byte resets the failure count. A response without progress is a failure.
 */
export async function uploadByTus(
  dependencies: TransferDependencies,
  transfer: Transfer,
): Promise<TransferResult> {
  const offsets: Offsets = { last: 0, highest: 0, failures: 0, speed: UNKNOWN_SPEED }
  for (;;) {
    try {
      return await sendRest(dependencies, transfer, offsets)
    } catch (error) {
      await waitBeforeRetry(dependencies, transfer.signal, error, offsets.failures)
      offsets.failures += 1
      offsets.speed = UNKNOWN_SPEED
    }
  }
}

/** Reads the server's offset and sends chunks from there. Throws if an offset cannot be read, falls or stays. */
async function sendRest(
  { fetch, clock }: TransferDependencies,
  { file, destination, chunkSizeBytes, signal, budget, onSent }: Transfer,
  offsets: Offsets,
): Promise<TransferResult> {
  const url = destination.uploadURL
  const head = await sendRequest({
    method: 'HEAD',
    url,
    headers: VERSION_HEADER,
    body: null,
    fetch,
    clock,
    signal,
    onSent: () => {},
  })
  if (!isSuccess(head.status)) return resultOfTusError(head.status)
  if (bytesIn(head, 'upload-length') !== file.size) throw invalidHeader(head, 'Upload-Length')
  const present = offsetIn(head, file.size)
  if (present < offsets.last) {
    offsets.last = present
    throw noProgress()
  }
  confirm(offsets, present)

  while (offsets.last < file.size) {
    const start = offsets.last
    onSent(start)
    const chosenBytes =
      chunkSizeBytes ?? Math.min(chunkBytesFor(offsets.speed), destination.chunkSizeBytes)
    // After a failure, less is lost by the next.
    const chunkBytes = offsets.failures === 0 ? chosenBytes : Math.min(chosenBytes, MIN_CHUNK_BYTES)
    const end = Math.min(start + chunkBytes, file.size)
    if (end - start > budget.remainingBytes) {
      throw streamError('Cloudflare Stream did not store the file, whose bytes were sent twice.')
    }
    const body = await file.read(start, end, signal)
    let counted = 0
    const startedMs = clock.now().getTime()
    const patch = await sendRequest({
      method: 'PATCH',
      url,
      headers: {
        ...VERSION_HEADER,
        'upload-offset': String(start),
        'content-type': 'application/offset+octet-stream',
      },
      body,
      fetch,
      clock,
      signal,
      onSent(sentBytes) {
        budget.remainingBytes -= sentBytes - counted
        counted = sentBytes
        // The last byte of a chunk is reported when the server confirms it.
        if (start + sentBytes < end) onSent(start + sentBytes)
      },
    })
    if (!isSuccess(patch.status)) return resultOfTusError(patch.status)
    const received = offsetIn(patch, end)
    if (received <= start) {
      offsets.last = received
      throw noProgress()
    }
    confirm(offsets, received)
    const milliseconds = clock.now().getTime() - startedMs
    offsets.speed = addChunk(offsets.speed, received - start, milliseconds)
  }
  onSent(file.size)
  return { kind: 'sent' }
}

function resultOfTusError(status: number): TransferResult {
  // After an offset conflict the next attempt reads the offset again.
  if (status === 409) throw connectionError()
  return resultOfError(status)
}

function confirm(offsets: Offsets, bytes: number): void {
  if (bytes > offsets.highest) offsets.failures = 0
  offsets.highest = Math.max(offsets.highest, bytes)
  offsets.last = bytes
}

/** Returns the server's offset, which cannot exceed the bytes that it may have received. */
function offsetIn(response: HTTPResponse, maxBytes: number): number {
  const offset = bytesIn(response, 'upload-offset')
  if (offset === null || offset > maxBytes) throw invalidHeader(response, 'Upload-Offset')
  return offset
}

/** Returns a number of bytes in decimal digits; null for every other value and without the header. */
function bytesIn(response: HTTPResponse, header: string): number | null {
  const value = response.header(header)
  return value !== null && /^\d{1,15}$/.test(value) ? Number(value) : null
}

/** For a response of a proxy, or of a server that is not tus: its headers do not confirm any bytes. */
function invalidHeader({ status }: HTTPResponse, header: string) {
  return streamError(
    `The upload URL responded with status ${status} and without a valid ${header}. A proxy may have sent or changed the response.`,
  )
}

function noProgress() {
  return streamError('Cloudflare Stream did not store the bytes that were sent.')
}
