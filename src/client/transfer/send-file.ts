/** Sends a file to its upload URL, by the protocol of the URL. */
import { postFile } from './multipart-post.ts'
import { uploadByTus } from './tus-upload.ts'
import {
  type TransferResult,
  type TransferDependencies,
  type Transfer,
  resultOfStatus,
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
  const { uploadURL, formField } = destination
  const fileName = fileNameOf(file) ?? 'video'
  return retry(dependencies, signal, async () => {
    const { fetch } = dependencies
    const post = { uploadURL, formField, file, fileName, fetch, signal, onSent }
    return resultOfStatus(await postFile(post))
  })
}
