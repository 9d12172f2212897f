/** Errors of the Workers binding, distinguished by `name` as Cloudflare documents. */

export type BindingErrorName =
  | 'InternalError'
  | 'BadRequestError'
  | 'NotFoundError'
  | 'ForbiddenError'
  | 'RateLimitedError'
  | 'QuotaReachedError'

/** Error with which calls of the binding reject. */
export class BindingError extends Error {
  override readonly name: BindingErrorName
  /** Code of the REST API, such as 10005; 0 without one. */
  readonly code: number
  /** HTTP status of the error. */
  readonly statusCode: number

  constructor(
    name: BindingErrorName,
    message: string,
    code: number,
    statusCode: number,
    options?: ErrorOptions,
  ) {
    super(message, options)
    this.name = name
    this.code = code
    this.statusCode = statusCode
  }
}

/** Returns the error name for an HTTP error status of the API. */
export function errorNameFor(statusCode: number): BindingErrorName {
  switch (statusCode) {
    case 401:
    case 403:
      return 'ForbiddenError'
    case 404:
      return 'NotFoundError'
    // The binding sends no files, so that 413 means exceeded storage (or a JSON body over 1 MiB).
    case 413:
      return 'QuotaReachedError'
    case 429:
      return 'RateLimitedError'
    default:
      return statusCode >= 400 && statusCode < 500 ? 'BadRequestError' : 'InternalError'
  }
}

/** Returns a rejecting function for a call that the emulator does not implement. */
export function notImplemented(call: string): () => Promise<never> {
  return () =>
    Promise.reject(
      new BindingError(
        'BadRequestError',
        `${call} is not available in headgate's emulator. Available are direct uploads, details, update, delete, playback tokens and lists.`,
        10_005,
        400,
      ),
    )
}
