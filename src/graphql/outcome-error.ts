/** GraphQL errors for unsuccessful outcomes of queries and subscriptions, which have no union types for them. */
import { GraphQLError } from 'graphql'
import type { RateLimited, StreamFailed, UploadNotFound } from '../uploads/outcomes.ts'

/** `extensions` has the code and, of RATE_LIMITED, `retryAfterSeconds`. */
export function outcomeError(outcome: RateLimited | StreamFailed | UploadNotFound): GraphQLError {
  const { code, message } = outcome
  const details =
    'retryAfterSeconds' in outcome ? { retryAfterSeconds: outcome.retryAfterSeconds } : {}
  return new GraphQLError(message, { extensions: { code, ...details } })
}
