/** Checks a file and its options, and computes what identifies its upload. */
import { type ProtocolChoice, chooseProtocol, isConnectionReliable } from './choose-protocol.ts'
import type { ClientDependencies } from './dependencies.ts'
import { creatorKeyPrefix, fileDigest, uploadKey } from './resume/fingerprint.ts'
import type { ResumableUpload } from './resume/resume-store.ts'
import { type UploadInput, uploadInputFrom } from './upload-input.ts'
import { type UploadOptions, validateUpload } from './upload-options.ts'
import type { UploadSource } from './upload-source.ts'

/** A checked file. */
export interface PreparedUpload {
  readonly file: Blob
  /** Its `maxDurationSeconds` is replaced by `reservedSeconds`, or by what is measured when the upload is minted. */
  readonly input: UploadInput
  /** Key in the resume store. */
  readonly key: string
  readonly fileDigest: string
  /** The expected protocol; a new upload has it, unless the gateway chooses another. */
  readonly choice: ProtocolChoice
  readonly reliableConnection: boolean
  readonly options: UploadOptions
  /** Seconds to reserve; null if they are not known yet. */
  readonly reservedSeconds: number | null
  /** What was minted for this run, also if the storage does not keep it; otherwise null. */
  readonly minted: ResumableUpload | null
}

/** @throws UploadError if the file or an option is invalid */
export async function prepareUpload(
  dependencies: ClientDependencies,
  source: UploadSource,
  options: UploadOptions,
): Promise<PreparedUpload> {
  const file = validateUpload(source, options)
  options.signal?.throwIfAborted()
  const input = uploadInputFrom(file, options)
  const prefix = await creatorKeyPrefix(dependencies.url, await dependencies.token())
  const reliableConnection = options.reliableConnection ?? isConnectionReliable()
  return {
    file,
    input,
    key: await uploadKey(prefix, file, input),
    fileDigest: await fileDigest(file),
    choice: chooseProtocol(file.size, reliableConnection, options.protocol),
    reliableConnection,
    options,
    reservedSeconds: null,
    minted: null,
  }
}
