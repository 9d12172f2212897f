/** Errors of the Workers binding, distinguished by `name` as Cloudflare documents. */

export type BindingErrorName =
  | 'InternalError'
  | 'BadRequestError'
  | 'NotFoundError'
  | 'ForbiddenError'
  | 'RateLimitedError'
  | 'QuotaReachedError'
  | 'MaxFileSizeError'

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

/** Returns the error name for an HTTP error status of a request with this path after `/stream`. */
export function errorNameFor(statusCode: number, path: string): BindingErrorName {
  switch (statusCode) {
    case 401:
    case 403:
      return 'ForbiddenError'
    case 404:
      return 'NotFoundError'
    // The only files are images of watermarks. Otherwise storage is exceeded (or a JSON body is over 1 MiB).
    case 413:
      return path === '/watermarks' ? 'MaxFileSizeError' : 'QuotaReachedError'
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
        `${call} is not available in headgate's emulator. Available are direct uploads, details, update, delete, playback tokens, lists and watermark profiles.`,
        10_005,
        400,
      ),
    )
}
