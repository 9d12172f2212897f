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
import { fileNameOf } from '../upload-input.ts'

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
  const { fetch } = dependencies
  const url = destination.uploadURL
  return retry(dependencies, signal, async () => {
    const body = new FormData()
    body.set(destination.formField, file, fileNameOf(file) ?? 'video')
    const post = { method: 'POST', url, headers: {}, body, fetch, signal, onSent } as const
    const { status } = await sendRequest(post)
    return isSuccess(status) ? { kind: 'sent' } : resultOfError(status)
  })
}
