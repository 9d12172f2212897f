/** Checks a file and its options, and computes what identifies its upload. */
import { type ProtocolChoice, chooseProtocol, isConnectionReliable } from './choose-protocol.ts'
import type { ClientDependencies } from './dependencies.ts'
import type { ProgressReporter } from './progress.ts'
import { creatorKeyPrefix, fileDigest, uploadKey } from './resume/fingerprint.ts'
import type { ResumableUpload } from './resume/resume-store.ts'
import { type UploadInput, uploadInputFrom } from './upload-input.ts'
import type { SourceFile } from './sources/source-file.ts'
import type { TransferBudget } from './transfer/transfer.ts'
import { type UploadOptions, openUpload } from './upload-options.ts'
import type { UploadSource } from './upload-source.ts'

/** A checked file. */
export interface PreparedUpload {
  /** The caller closes it. */
  readonly file: SourceFile
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

/** Data of one run of a prepared upload. */
export interface UploadJob extends PreparedUpload {
  readonly progress: ProgressReporter
  readonly budget: TransferBudget
  /** Aborts when the caller pauses the upload or deletes it. */
  readonly signal: AbortSignal
  /** Aborts `signal` with the reason. */
  readonly stop: (reason: unknown) => void
}

/** @throws UploadError if the file or an option is invalid */
export async function prepareUpload(
  dependencies: ClientDependencies,
  source: UploadSource,
  options: UploadOptions,
): Promise<PreparedUpload> {
  const { signal } = options
  const file = await openUpload(source, options)
  try {
    signal?.throwIfAborted()
    const input = uploadInputFrom(file, options)
    const prefix = await creatorKeyPrefix(dependencies.url, await dependencies.token())
    // A broken POST of a long stream cannot be sent again, but tus resumes.
    const reliableConnection =
      options.reliableConnection ?? (file.isRepeatable && isConnectionReliable())
    return {
      file,
      input,
      key: await uploadKey(prefix, file, input, signal),
      fileDigest: await fileDigest(file, signal),
      choice: chooseProtocol(file.size, reliableConnection, options.protocol),
      reliableConnection,
      options,
      reservedSeconds: null,
      minted: null,
    }
  } catch (error) {
    file.close()
    throw error
  }
}
