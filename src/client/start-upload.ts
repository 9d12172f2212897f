/** Starts an upload: resumes a stored one, or mints a new one. */
import type { ProtocolChoice } from './choose-protocol.ts'
import { deletedError } from './terminal-errors.ts'
import { findUploadState } from './gateway/find-upload.ts'
import { reservedDurationOf } from './duration/reserved-duration.ts'
import {
  type MintRequest,
  type MintedUpload,
  type UploadTarget,
  mintUpload,
} from './gateway/mint-upload.ts'
import { randomHex } from './bytes.ts'
import type { PreparedUpload, UploadJob } from './prepare-upload.ts'
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
const GATEWAY_REASON = 'The gateway chose this protocol.'

/**
 * Returns the stored upload of this file if its URL is still usable; null if a new one is needed.
 * @param ownUpload entry of the resume store; null if it has none
 * @param otherTabUpload last upload that another tab ran for this file; null if it ran none
 */
export async function resumeUpload(
  dependencies: ClientDependencies,
  { options, choice, progress, signal }: UploadJob,
  ownUpload: ResumableUpload | null,
  otherTabUpload: ResumableUpload | null,
): Promise<StartedUpload | null> {
  const stored = ownUpload ?? otherTabUpload
  if (stored === null) return null
  if (options.protocol !== undefined && options.protocol !== stored.protocol) return null
  const state = await findUploadState(dependencies, stored, signal)
  // The tab that ran it removed it from the store, so the deletion ends this call too.
  if (state.kind === 'deleted' && ownUpload === null) throw deletedError(stored.uid)
  if (state.kind === 'deleted' || state.kind === 'expired') return null
  const { upload } = state
  progress.minted(upload, choiceOf(upload, choice, RESUMED_REASON))
  // `received` may be confirmed before the gateway reports it.
  const isSent = stored.isSent || state.kind === 'received'
  return { upload, resumable: stored, target: isSent ? null : state.target }
}

/** Mints an upload and stores it, so that it can be resumed from the first byte on. */
export async function startUpload(
  dependencies: ClientDependencies,
  job: UploadJob,
): Promise<StartedUpload> {
  const { file, options, choice, progress, signal } = job
  progress.minting(choice)
  const reservedSeconds = job.reservedSeconds ?? (await reservedDurationOf(file, options)).seconds
  signal.throwIfAborted()
  const request = mintRequestOf({ ...job, reservedSeconds })
  const minted = await mintUpload(dependencies, request, signal)
  const resumable = await storeMinted(dependencies, job, minted)
  const { upload, target } = minted
  progress.minted(upload, choiceOf(upload, choice, GATEWAY_REASON))
  return { upload, resumable, target }
}

/** Returns what the gateway has to mint, with a new idempotency key: the same object is the same upload. */
export function mintRequestOf(prepared: PreparedUpload): MintRequest {
  const { file, input, options, reliableConnection } = prepared
  const maxDurationSeconds = prepared.reservedSeconds ?? input.maxDurationSeconds
  return {
    protocol: options.protocol,
    sizeBytes: file.size,
    reliableConnection,
    input: { ...input, maxDurationSeconds, idempotencyKey: randomHex() },
  }
}

/** Stores a minted upload, so that it can be resumed, and returns the entry. */
export async function storeMinted(
  dependencies: Pick<ClientDependencies, 'resumeStore'>,
  { file, input, key, fileDigest }: PreparedUpload,
  { upload, target }: MintedUpload,
): Promise<ResumableUpload> {
  const resumable = {
    uid: upload.uid,
    protocol: upload.protocol,
    name: input.name ?? null,
    sizeBytes: file.size,
    type: file.type,
    formField: target.formField,
    chunkSizeBytes: upload.protocol === 'TUS' ? target.chunkSizeBytes : null,
    isSent: false,
    sentBytes: undefined,
    fileDigest,
    requireSignedURLs: upload.constraints.requireSignedURLs,
    mintedAt: upload.createdAt,
    expiresAt: upload.expiresAt,
  }
  await dependencies.resumeStore.set(key, resumable)
  return resumable
}

/** Returns the protocol of the upload, with `otherReason` if it is not the one that the client expected. */
function choiceOf(
  { protocol }: Upload,
  expected: ProtocolChoice,
  otherReason: string,
): ProtocolChoice {
  return protocol === expected.protocol ? expected : { protocol, reason: otherReason }
}
