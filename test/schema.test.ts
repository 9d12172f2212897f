import { printSchema } from 'graphql'
import { expect, it } from 'vitest'
import { schema } from '../src/graphql/schema.ts'

/** `npm run schema:print` writes the file anew; a change of it is a change of the promise. */
it('is printed in schema/schema.graphql as it stands', async () => {
  await expect(`${printSchema(schema)}\n`).toMatchFileSnapshot('../schema/schema.graphql')
})

it('describes every type, field, argument and value for the reader of GraphiQL', () => {
  const silent: string[] = []
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith('__') || isBuiltIn(type.name)) continue
    if (!type.description && !isRoot(type.name)) silent.push(type.name)
    if ('getFields' in type) {
      for (const field of Object.values(type.getFields())) {
        if (!field.description) silent.push(`${type.name}.${field.name}`)
        for (const arg of 'args' in field ? field.args : []) {
          if (!arg.description) silent.push(`${type.name}.${field.name}(${arg.name})`)
        }
      }
    }
    if ('getValues' in type) {
      for (const value of type.getValues()) {
        if (!value.description && type.name !== 'UploadEventSource') {
          silent.push(`${type.name}.${value.name}`)
        }
      }
    }
  }
  expect(silent).toEqual([])
})

function isBuiltIn(name: string): boolean {
  return ['Int', 'Float', 'String', 'Boolean', 'ID'].includes(name)
}

function isRoot(name: string): boolean {
  return ['Query', 'Mutation', 'Subscription'].includes(name)
}
