/** `schema/reference.md` matches the schema; `npm run reference:print` updates it. */
import {
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isIntrospectionType,
  isSpecifiedScalarType,
} from 'graphql'
import { describe, expect, it } from 'vitest'
import { schema } from '../src/graphql/schema.ts'
import { anchorOf } from './reference/markdown.ts'
import { printReference } from './reference/print-reference.ts'

describe('the API reference', () => {
  it('equals schema/reference.md', async () => {
    await expect(printReference(schema)).toMatchFileSnapshot('../schema/reference.md')
  })

  it('has a unique heading for every link', () => {
    const page = printReference(schema)
    const anchors = [...page.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading))
    expect(anchors).toHaveLength(new Set(anchors).size)
    const links = [...page.matchAll(/\]\(#([^)]*)\)/g)].map(([, anchor]) => anchor)
    expect(links.length).toBeGreaterThan(50)
    expect([...new Set(links)].filter((anchor) => !anchors.includes(anchor ?? ''))).toEqual([])
  })

  it('contains every description', () => {
    const page = printReference(schema).replaceAll('\\|', '|')
    const missing = descriptionsIn(schema).filter((text) => !page.includes(text))
    expect(missing).toEqual([])
  })
})

/** Returns every description on one line, without those of GraphQL's built-in types. */
function descriptionsIn(documentedSchema: GraphQLSchema): string[] {
  const texts: (string | null | undefined)[] = []
  for (const type of Object.values(documentedSchema.getTypeMap())) {
    if (isSpecifiedScalarType(type) || isIntrospectionType(type)) continue
    texts.push(type.description)
    if (isEnumType(type)) texts.push(...type.getValues().map(({ description }) => description))
    if (isInputObjectType(type)) {
      texts.push(...Object.values(type.getFields()).map(({ description }) => description))
    }
    if (isObjectType(type) || isInterfaceType(type)) {
      const fields = Object.values(type.getFields())
      for (const { description, args } of fields) {
        texts.push(description, ...args.map((arg) => arg.description))
      }
    }
  }
  const descriptions = texts.filter((text) => typeof text === 'string')
  return descriptions.filter((text) => text !== '').map((text) => text.replaceAll(/\s*\n\s*/g, ' '))
}
