/**
 * What the fields of a mutation came to, written down as they are done: where their answer is not a
 * regular one, graphql-js writes it from these, and nothing is done a second time.
 */
import {
  type GraphQLFieldConfig,
  GraphQLObjectType,
  GraphQLSchema,
  defaultFieldResolver,
} from 'graphql'
import { tooSlow } from '../plugins/operation-timeout.ts'

/** What a resolver gave, or what it threw. */
export type Outcome = { readonly value: unknown } | { readonly error: unknown }

/** Outcomes of one operation's root fields, by their keys in the answer. */
export type Outcomes = Map<string, Outcome>

/** What was done of a mutation, and whether it is too late for the rest of it. */
export interface Done {
  readonly outcomes: Outcomes
  readonly isLate: () => boolean
}

/** What was done, by the context of its operation. */
const known = new WeakMap<object, Done>()

/** From now on, in this context, the schema that `replaying` made gives these outcomes. */
export function giveAgain(context: object, done: Done): void {
  known.set(context, done)
}

/** The same schema, whose mutations do nothing that was done in this context already. */
export function replaying(schema: GraphQLSchema): GraphQLSchema {
  const mutation = schema.getMutationType()
  if (mutation === null || mutation === undefined) return schema
  const { fields, ...config } = mutation.toConfig()
  const { types, ...rest } = schema.toConfig()
  return new GraphQLSchema({
    ...rest,
    mutation: new GraphQLObjectType<unknown, unknown>({
      ...config,
      fields: mapValues(fields, replayed),
    }),
    types: types.filter((type) => type !== mutation),
    assumeValid: true,
  })
}

type Field = GraphQLFieldConfig<unknown, unknown>

function replayed(field: Field): Field {
  const resolve = field.resolve ?? defaultFieldResolver
  return {
    ...field,
    resolve(source, args, context, info) {
      const done = typeof context === 'object' && context !== null ? known.get(context) : undefined
      const outcome = done?.outcomes.get(String(info.path.key))
      if (outcome === undefined) {
        if (done?.isLate() === true) throw tooSlow()
        return resolve(source, args, context, info)
      }
      if ('error' in outcome) throw outcome.error
      return outcome.value
    },
  }
}

function mapValues(
  fields: Readonly<Record<string, Field>>,
  change: (field: Field) => Field,
): Record<string, Field> {
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, change(field)]))
}
