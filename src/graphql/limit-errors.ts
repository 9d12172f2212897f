/** Limits the field errors of one operation, in all fields of the schema. */
import {
  type GraphQLFieldResolver,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  isObjectType,
} from 'graphql'
import type { GraphQLContext } from './context.ts'
import type { ResultLimit } from './result-limit.ts'

type Resolver = GraphQLFieldResolver<unknown, GraphQLContext>

/**
 * Makes all resolvers count their errors against the result limit: a list of thousands of entries could have an
 * error in each, which costs a hundred times as much as a value. Above the limit no resolver is called.
 *
 * All errors are rejections. After a thrown one, graphql-js leaves the promises of the entries before it in a list
 * without a handler, and one of them that rejects ends the process.
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
    const tooManyErrors = resultLimit.tooManyErrors()
    if (tooManyErrors !== null) return fail(tooManyErrors, resultLimit, info)
    try {
      const value = resolve(source, args, context, info)
      return value instanceof Promise
        ? value.catch((error: unknown) => fail(error, resultLimit, info))
        : value
    } catch (error) {
      return fail(error, resultLimit, info)
    }
  }
}

async function fail(
  error: unknown,
  resultLimit: ResultLimit,
  info: GraphQLResolveInfo,
): Promise<never> {
  throw resultLimit.consumeError(error, info)
}
