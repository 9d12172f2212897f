import { isEnumType, isInputObjectType, isInterfaceType, isObjectType, printSchema } from 'graphql'
import { expect, it } from 'vitest'
import { schema } from '../src/graphql/schema.ts'

/** `npm run schema:print` writes the file anew; a change of it is a change of the promise. */
it('is printed in schema/schema.graphql as it stands', async () => {
  await expect(`${printSchema(schema)}\n`).toMatchFileSnapshot('../schema/schema.graphql')
})

it('describes every type, field, argument and value for the reader of GraphiQL', () => {
  const silent: string[] = []
  const note = (place: string, { description }: { description?: string | null | undefined }) => {
    if (!description) silent.push(place)
  }
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith('__') || BUILT_IN.has(type.name)) continue
    if (!ROOTS.has(type.name)) note(type.name, type)
    if (isEnumType(type)) {
      for (const value of type.getValues()) note(`${type.name}.${value.name}`, value)
    }
    if (isInputObjectType(type)) {
      for (const field of Object.values(type.getFields())) note(`${type.name}.${field.name}`, field)
    }
    if (isObjectType(type) || isInterfaceType(type)) {
      for (const field of Object.values(type.getFields())) {
        note(`${type.name}.${field.name}`, field)
        for (const arg of field.args) note(`${type.name}.${field.name}(${arg.name})`, arg)
      }
    }
  }
  expect(silent).toEqual([])
})

const BUILT_IN = new Set(['Int', 'Float', 'String', 'Boolean', 'ID'])
const ROOTS = new Set(['Query', 'Mutation', 'Subscription'])
