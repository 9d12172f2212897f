/** Sends a file to its upload URL, by the protocol of the URL. */
import { sendRequest } from './http-request.ts'
import { uploadByTus } from './tus-upload.ts'
import {
  type TransferResult,
  type TransferDependencies,
  type Transfer,
  isSuccess,
  resultOfError,
} from './transfer.ts'
import { retry } from '../retry.ts'

/** @throws UploadError NETWORK or STREAM_UNAVAILABLE when all retries failed, STREAM_REJECTED */
export function sendFile(
  dependencies: TransferDependencies,
  transfer: Transfer,
): Promise<TransferResult> {
  return transfer.destination.protocol === 'TUS'
    ? uploadByTus(dependencies, transfer)
    : sendByPost(dependencies, transfer)
}

/** A broken POST starts over: only a complete file uses up the URL. */
function sendByPost(
  dependencies: TransferDependencies,
  { file, destination, signal, onSent }: Transfer,
): Promise<TransferResult> {
  const { fetch, clock } = dependencies
  const { uploadURL: url, formField: field } = destination
  const body = { field, file }
  return retry(dependencies, signal, async () => {
    const post = { method: 'POST', url, headers: {}, body, fetch, clock, signal, onSent } as const
    const { status } = await sendRequest(post)
    return isSuccess(status) ? { kind: 'sent' } : resultOfError(status)
  })
}
