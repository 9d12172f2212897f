/** Sends a file to its upload URL, by the protocol that the URL was minted for. */
import { postFile } from './multipart-post.ts'
import { sendByTus } from './tus-upload.ts'
import { type SendOutcome, type SendParts, type Sending, judgeStatus } from './transfer.ts'
import { tryAgain } from '../retry.ts'
import { nameOf } from '../upload-input.ts'

/** @throws UploadError NETWORK or STREAM_UNAVAILABLE when all retries failed, STREAM_REJECTED */
export function sendFile(parts: SendParts, sending: Sending): Promise<SendOutcome> {
  return sending.destination.protocol === 'TUS'
    ? sendByTus(parts, sending)
    : sendByPost(parts, sending)
}

/** A POST that broke is begun anew: the URL is spent only by a file that arrived whole. */
function sendByPost(
  parts: SendParts,
  { file, destination, signal, onSent }: Sending,
): Promise<SendOutcome> {
  const { uploadURL, formField } = destination
  const fileName = nameOf(file) ?? 'video'
  return tryAgain(parts, signal, async () => {
    const { fetch } = parts
    const posting = { uploadURL, formField, file, fileName, fetch, signal, onSent }
    return judgeStatus(await postFile(posting))
  })
}
