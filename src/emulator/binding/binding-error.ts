/** The errors of the Workers binding: told apart by `name`, as Cloudflare documents them. */

export type BindingErrorName =
  | 'InternalError'
  | 'BadRequestError'
  | 'NotFoundError'
  | 'ForbiddenError'
  | 'RateLimitedError'
  | 'QuotaReachedError'

/** What is thrown by every call of the object that stands for `env.STREAM`. */
export class BindingError extends Error {
  override readonly name: BindingErrorName
  /** The API's own code, such as 10005; 0 where there was none. */
  readonly code: number
  /** The HTTP status that goes with it. */
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

/** The name for what the API refused. */
export function nameOfRefusal(statusCode: number): BindingErrorName {
  switch (statusCode) {
    case 401:
    case 403:
      return 'ForbiddenError'
    case 404:
      return 'NotFoundError'
    // The emulator's API takes no files, so that only storage can be too small.
    case 413:
      return 'QuotaReachedError'
    case 429:
      return 'RateLimitedError'
    default:
      return statusCode >= 400 && statusCode < 500 ? 'BadRequestError' : 'InternalError'
  }
}

/** For a call that the binding has and the emulator has not. */
export function missing(call: string): () => Promise<never> {
  return () =>
    Promise.reject(
      new BindingError(
        'BadRequestError',
        `${call} is not in headgate's emulator: it has direct uploads, details, update, delete and lists.`,
        10_005,
        400,
      ),
    )
}
