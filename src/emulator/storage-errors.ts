/** Responses while the emulator cannot store anything or start a process: temporary errors, which clients retry. */
import { ApiError, errorResponse } from './api-error.ts'
import type { HttpResponse } from './http-response.ts'
import type { EmulatorDependencies } from './dependencies.ts'
import { StoredBytesExceeded } from './state/stored-bytes.ts'

/** `Retry-After` in seconds, the emulator's choice. */
const RETRY_AFTER_SECONDS = 10

/** Codes of errno(3) and SQLite for a full disk. */
const FULL = new Set(['ENOSPC', 'EDQUOT', 'SQLITE_FULL'])

/** Codes of SQLite while another process holds its lock, and if the disk fails in another way. */
const UNAVAILABLE = /^SQLITE_(?:BUSY|IOERR)/

/** Codes of errno(3) while the system has too little of something else than the disk. */
const BUSY = new Set(['EAGAIN', 'EMFILE', 'ENFILE', 'ENOMEM'])

/** Returns the response of `run`, or reports its error and returns 503 if it cannot store anything or start a process. */
export async function orTemporaryError(
  { onError }: Pick<EmulatorDependencies, 'onError'>,
  run: () => HttpResponse | Promise<HttpResponse>,
): Promise<HttpResponse> {
  try {
    return await run()
  } catch (error) {
    const response = storageErrorResponse(error)
    if (response === null) throw error
    onError(error)
    return response
  }
}

/**
 * Returns the 503 response to an error that ends once there is space, the database is available or processes can
 * start; null for any other error. Stream documents no such error. https://www.rfc-editor.org/rfc/rfc9110#section-15.6.4
 */
export function storageErrorResponse(error: unknown): HttpResponse | null {
  const reason = reasonOf(error)
  if (reason === null) return null
  const headers = { 'retry-after': String(RETRY_AFTER_SECONDS) }
  return errorResponse(new ApiError(503, 10_001, 'Temporarily unavailable', reason, headers))
}

function reasonOf(error: unknown): string | null {
  if (error instanceof StoredBytesExceeded) return error.message
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return null
  if (FULL.has(error.code)) return `The disk is full (${error.code}). Free space in EMULATOR_DIR.`
  if (BUSY.has(error.code))
    return `The system has too few files, processes or memory (${error.code}). Raise its limits, such as \`ulimit -n\`.`
  if (!UNAVAILABLE.test(error.code)) return null
  return `The database in EMULATOR_DIR is not available (${error.code}).`
}
