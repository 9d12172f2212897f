import { isEnumType, isInputObjectType, isInterfaceType, isObjectType, printSchema } from 'graphql'
import { expect, it } from 'vitest'
import { schema } from '../src/graphql/schema.ts'

/** A change of this file is a change of the public API; `npm run schema:print` updates it. */
it('equals schema/schema.graphql', async () => {
  await expect(`${printSchema(schema)}\n`).toMatchFileSnapshot('../schema/schema.graphql')
})

it('has a description for every type, field, argument and enum value', () => {
  const undescribed: string[] = []
  const check = (
    coordinate: string,
    { description }: { description?: string | null | undefined },
  ) => {
    if (!description) undescribed.push(coordinate)
  }
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith('__') || BUILT_IN.has(type.name)) continue
    if (!ROOTS.has(type.name)) check(type.name, type)
    if (isEnumType(type)) {
      for (const value of type.getValues()) check(`${type.name}.${value.name}`, value)
    }
    if (isInputObjectType(type)) {
      for (const field of Object.values(type.getFields()))
        check(`${type.name}.${field.name}`, field)
    }
    if (isObjectType(type) || isInterfaceType(type)) {
      for (const field of Object.values(type.getFields())) {
        check(`${type.name}.${field.name}`, field)
        for (const arg of field.args) check(`${type.name}.${field.name}(${arg.name})`, arg)
      }
    }
  }
  expect(undescribed).toEqual([])
})

const BUILT_IN = new Set(['Int', 'Float', 'String', 'Boolean', 'ID'])
const ROOTS = new Set(['Query', 'Mutation', 'Subscription'])
