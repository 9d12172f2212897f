/** GraphQL error for an unsuccessful outcome of a query, which has no union type for its errors. */
import { GraphQLError } from 'graphql'
import type { RateLimited, StreamFailed } from '../uploads/outcomes.ts'

export function outcomeError({ code, message }: RateLimited | StreamFailed): GraphQLError {
  return new GraphQLError(message, { extensions: { code } })
}
