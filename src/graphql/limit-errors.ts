/** Limits the field errors of one operation, in all fields of the schema. */
import { type GraphQLFieldResolver, type GraphQLSchema, isObjectType } from 'graphql'
import type { GraphQLContext } from './context.ts'

type Resolver = GraphQLFieldResolver<unknown, GraphQLContext>

/**
 * Makes all resolvers count their errors against the result limit: a list of thousands of entries could have an
 * error in each, which costs a hundred times as much as a value. Above the limit no resolver is called.
 */
export function limitErrors(schema: GraphQLSchema): void {
  // The field of a subscription resets the limits for its event.
  const subscription = schema.getSubscriptionType()
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type === subscription || type.name.startsWith('__')) continue
    for (const field of Object.values(type.getFields())) {
      if (field.resolve !== undefined) field.resolve = withLimit(field.resolve)
    }
  }
}

function withLimit(resolve: Resolver): Resolver {
  return (source, args, context, info) => {
    const { resultLimit } = context
    resultLimit.throwIfTooManyErrors()
    try {
      const value = resolve(source, args, context, info)
      return value instanceof Promise
        ? value.catch((error: unknown) => resultLimit.throwError(error, info))
        : value
    } catch (error) {
      return resultLimit.throwError(error, info)
    }
  }
}
