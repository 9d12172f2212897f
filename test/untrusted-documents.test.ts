/** Work of comparing a document with the trusted ones: it grows with the length of the document only. */
import type { ASTNode } from 'graphql'
import { expect, it, vi } from 'vitest'
import { createTrustedDocuments } from '../src/http/graphql/plugins/trusted-documents.ts'

const printed = vi.hoisted(() => ({ characters: 0 }))

vi.mock(import('graphql'), async (importOriginal) => {
  const graphql = await importOriginal()
  return {
    ...graphql,
    print(node: ASTNode) {
      const text = graphql.print(node)
      printed.characters += text.length
      return text
    },
  }
})

function nested(levels: number, leaf: string): string {
  return `{${'a{'.repeat(levels)}${leaf}${'}'.repeat(levels)}}`
}

const SHORT = { ids: [], text: '{ a { b } }' }

it.each([
  ['is deep', (size: number) => nested(size, 'b')],
  ['is deep, with a trusted leaf', (size: number) => nested(size, 'a { b }')],
  ['is wide on many levels', (size: number) => nested(size / 4, 'b '.repeat(size))],
  [
    'has arguments on many levels',
    (size: number) => nested(size / 10, 'b(x: [1, 2], y: 3) '.repeat(size / 10)),
  ],
  ['has deep values', (size: number) => nested(10, `b(x: ${'['.repeat(size)}${']'.repeat(size)})`)],
  ['has many variables', (size: number) => `query (${'$x: Int '.repeat(size / 2)}) { a }`],
])('prints about as much as the document has, if it %s', (_name, documentOf) => {
  for (const size of [40, 80, 160, 320]) {
    const text = documentOf(size)
    printed.characters = 0
    const untrusted = createTrustedDocuments([SHORT])
    expect(untrusted.includes(text)).toBe(false)
    // Only the root differs, so that all selection sets below it are compared.
    const similar = createTrustedDocuments([{ ids: [], text }])
    expect(similar.includes(text.replace('{', '{ c '))).toBe(false)
    expect(similar.includes(text)).toBe(true)
    expect(printed.characters / text.length).toBeLessThan(50)
  }
})
