/**
 * Records the results of mutation fields, so that after a bail-out graphql-js can replay them instead of
 * executing the fields again.
 */
import {
  type GraphQLFieldConfig,
  GraphQLObjectType,
  GraphQLSchema,
  defaultFieldResolver,
} from 'graphql'
import { timeoutError } from '../plugins/operation-timeout.ts'

/** The value that a resolver returned, or the error that it threw. */
export type FieldResult = { readonly value: unknown } | { readonly error: unknown }

/** Results of an operation's root fields, by response key. */
export type FieldResults = Map<string, FieldResult>

/** Recorded results of a mutation; `isTimedOut` returns whether its deadline is exceeded. */
export interface RecordedMutation {
  readonly outcomes: FieldResults
  readonly isTimedOut: () => boolean
}

/** Recorded mutations by their GraphQL context. */
const recordedByContext = new WeakMap<object, RecordedMutation>()

/** Makes the schema of `createReplaySchema` replay these results in executions with this context. */
export function recordForReplay(context: object, recorded: RecordedMutation): void {
  recordedByContext.set(context, recorded)
}

/**
 * Returns a copy of the schema whose mutation fields replay recorded results. After the deadline, fields
 * without a recorded result throw a timeout error instead of being executed.
 */
export function createReplaySchema(schema: GraphQLSchema): GraphQLSchema {
  const mutation = schema.getMutationType()
  if (mutation === null || mutation === undefined) return schema
  const { fields, ...config } = mutation.toConfig()
  const { types, ...rest } = schema.toConfig()
  return new GraphQLSchema({
    ...rest,
    mutation: new GraphQLObjectType<unknown, unknown>({
      ...config,
      fields: mapValues(fields, replayField),
    }),
    types: types.filter((type) => type !== mutation),
    assumeValid: true,
  })
}

type Field = GraphQLFieldConfig<unknown, unknown>

function replayField(field: Field): Field {
  const resolve = field.resolve ?? defaultFieldResolver
  return {
    ...field,
    resolve(source, args, context, info) {
      const recorded =
        typeof context === 'object' && context !== null ? recordedByContext.get(context) : undefined
      const result = recorded?.outcomes.get(String(info.path.key))
      if (result === undefined) {
        if (recorded?.isTimedOut() === true) throw timeoutError()
        return resolve(source, args, context, info)
      }
      if ('error' in result) throw result.error
      return result.value
    },
  }
}

function mapValues(
  fields: Readonly<Record<string, Field>>,
  change: (field: Field) => Field,
): Record<string, Field> {
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, change(field)]))
}
