/** How an upload begins: it is found again where it was begun before, or minted. */
import type { Errand } from './upload-job.ts'
import { deletedError } from './terminal-errors.ts'
import { findAgain } from './gateway/find-upload.ts'
import { type Destination, mintUpload } from './gateway/mint-upload.ts'
import type { ClientParts } from './dependencies.ts'
import type { RememberedUpload } from './resume/resume-store.ts'
import type { Upload } from './gateway/upload.ts'

/** One that was found again or minted, and the upload that came of it so far. */
export interface Begun {
  readonly upload: Upload
  readonly remembered: RememberedUpload
  /** Null where Stream has the file already. */
  readonly destination: Destination | null
}

const BEGUN = 'It was begun this way, and goes on.'

/**
 * What this file was begun with and is still good; null where it has to be minted.
 * @param seen what another tab was seen to send; null where there was none
 */
export async function resumeUpload(
  parts: ClientParts,
  { key, options, choice, progress, signal }: Errand,
  seen: RememberedUpload | null,
): Promise<Begun | null> {
  const remembered = await parts.memory.recall(key)
  const earlier = remembered ?? seen
  if (earlier === null) return null
  if (options.protocol !== undefined && options.protocol !== earlier.protocol) return null
  const found = await findAgain(parts, earlier, signal)
  // Forgotten by whoever sent it, because it was deleted a moment ago: that was meant for us too.
  if (found.kind === 'deleted' && remembered === null) throw deletedError(earlier.uid)
  if (found.kind === 'deleted' || found.kind === 'lapsed') return null
  const { upload } = found
  const chosen =
    upload.protocol === choice.protocol ? choice : { protocol: upload.protocol, reason: BEGUN }
  progress.minted(upload, chosen)
  // Stream has said so, though the gateway has yet to hear of it.
  const isUp = earlier.isSent || found.kind === 'received'
  return { upload, remembered: earlier, destination: isUp ? null : found.destination }
}

/** A new one, remembered before its first byte is sent. */
export async function beginUpload(parts: ClientParts, errand: Errand): Promise<Begun> {
  const { file, input, key, choice, options, progress, signal } = errand
  progress.minting(choice)
  const minted = await mintUpload(parts, choice.protocol, input, file.size, signal)
  const { upload } = minted
  const isTus = choice.protocol === 'TUS'
  const destination = {
    ...minted.destination,
    ...(isTus && options.chunkSizeBytes !== undefined
      ? { chunkSizeBytes: options.chunkSizeBytes }
      : {}),
  }
  const remembered = {
    uid: upload.uid,
    protocol: upload.protocol,
    name: input.name ?? null,
    sizeBytes: file.size,
    type: file.type,
    formField: destination.formField,
    chunkSizeBytes: isTus ? destination.chunkSizeBytes : null,
    isSent: false,
    mintedAt: upload.createdAt,
    expiresAt: upload.expiresAt,
  }
  await parts.memory.remember(key, remembered)
  progress.minted(upload, choice)
  return { upload, remembered, destination }
}
