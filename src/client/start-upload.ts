/** Starts an upload: resumes a stored one, or mints a new one. */
import type { UploadJob } from './upload-job.ts'
import { deletedError } from './terminal-errors.ts'
import { findUploadState } from './gateway/find-upload.ts'
import { type UploadTarget, mintUpload } from './gateway/mint-upload.ts'
import type { ClientDependencies } from './dependencies.ts'
import type { ResumableUpload } from './resume/resume-store.ts'
import type { Upload } from './gateway/upload.ts'

/** A resumed or newly minted upload. */
export interface StartedUpload {
  readonly upload: Upload
  readonly resumable: ResumableUpload
  /** Where to send the bytes; null if Stream has received the file. */
  readonly target: UploadTarget | null
}

const RESUMED_REASON = 'The upload started with this protocol and resumes.'

/**
 * Returns the stored upload of this file; null if there is none with a usable URL.
 * @param seen the upload that another tab ran for this file; null if there was none
 */
export async function resumeUpload(
  dependencies: ClientDependencies,
  { key, options, choice, progress, signal }: UploadJob,
  seen: ResumableUpload | null,
): Promise<StartedUpload | null> {
  const remembered = await dependencies.resumeStore.get(key)
  const stored = remembered ?? seen
  if (stored === null) return null
  if (options.protocol !== undefined && options.protocol !== stored.protocol) return null
  const state = await findUploadState(dependencies, stored, signal)
  // Another tab ran the upload and removed it from the store after its deletion: this call must end too.
  if (state.kind === 'deleted' && remembered === null) throw deletedError(stored.uid)
  if (state.kind === 'deleted' || state.kind === 'expired') return null
  const { upload } = state
  const chosen =
    upload.protocol === choice.protocol
      ? choice
      : { protocol: upload.protocol, reason: RESUMED_REASON }
  progress.minted(upload, chosen)
  // The gateway's status may lag behind Stream's.
  const isUp = stored.isSent || state.kind === 'received'
  return { upload, resumable: stored, target: isUp ? null : state.target }
}

/** Mints an upload and stores it, so that it can be resumed from the first byte on. */
export async function startUpload(
  dependencies: ClientDependencies,
  job: UploadJob,
): Promise<StartedUpload> {
  const { file, input, key, choice, options, progress, signal } = job
  progress.minting(choice)
  const minted = await mintUpload(dependencies, choice.protocol, input, file.size, signal)
  const { upload } = minted
  const isTus = choice.protocol === 'TUS'
  const target = {
    ...minted.target,
    ...(isTus && options.chunkSizeBytes !== undefined
      ? { chunkSizeBytes: options.chunkSizeBytes }
      : {}),
  }
  const resumable = {
    uid: upload.uid,
    protocol: upload.protocol,
    name: input.name ?? null,
    sizeBytes: file.size,
    type: file.type,
    formField: target.formField,
    chunkSizeBytes: isTus ? target.chunkSizeBytes : null,
    isSent: false,
    mintedAt: upload.createdAt,
    expiresAt: upload.expiresAt,
  }
  await dependencies.resumeStore.set(key, resumable)
  progress.minted(upload, choice)
  return { upload, resumable, target }
}
