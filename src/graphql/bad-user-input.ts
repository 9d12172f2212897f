/** The error for arguments that no caller should send: what would be right, in words. */
import { GraphQLError } from 'graphql'

export function badInput(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' } })
}
