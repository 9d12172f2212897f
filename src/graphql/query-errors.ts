/** GraphQL errors of queries and subscriptions, which have no union type for their unsuccessful outcomes. */
import { GraphQLError } from 'graphql'
import type { RateLimited, StreamFailed, UploadNotFound } from '../uploads/outcomes.ts'

/** Error for invalid arguments; the message states the rule. */
export function badUserInput(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' } })
}

/** Error for an unsuccessful outcome of a use case. `extensions` has the code and, of RATE_LIMITED, `retryAfterSeconds`. */
export function outcomeError(outcome: RateLimited | StreamFailed | UploadNotFound): GraphQLError {
  const { code, message } = outcome
  const details =
    'retryAfterSeconds' in outcome ? { retryAfterSeconds: outcome.retryAfterSeconds } : {}
  return new GraphQLError(message, { extensions: { code, ...details } })
}
