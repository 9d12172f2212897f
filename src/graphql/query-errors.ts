/** GraphQL errors of queries, which have no union type for their unsuccessful outcomes. */
import { GraphQLError } from 'graphql'
import type { RateLimited, StreamFailed } from '../uploads/outcomes.ts'

/** Error for invalid arguments; the message states the rule. */
export function badUserInput(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' } })
}

/** Error for an unsuccessful outcome of a use case. */
export function outcomeError({ code, message }: RateLimited | StreamFailed): GraphQLError {
  return new GraphQLError(message, { extensions: { code } })
}
