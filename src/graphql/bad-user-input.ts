/** GraphQL error for invalid arguments; the message states the rule. */
import { GraphQLError } from 'graphql'

export function badUserInput(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' } })
}
