/** Bail-out: compiled code leaves a request to the fallback. */

/**
 * Thrown by compiled code for cases that it does not implement, such as errors or null in a non-null
 * position. No part of the response has been written, so the caller executes the operation with graphql-js.
 */
class BailOut extends Error {
  override readonly name = 'BailOut'
}

/** One shared instance: creating a stack trace for every malformed request would be costly. */
const BAIL_OUT = new BailOut('Not supported by compiled execution. Execute with graphql-js.')

/** Throws the shared BailOut error. */
export function bailOut(): never {
  throw BAIL_OUT
}
