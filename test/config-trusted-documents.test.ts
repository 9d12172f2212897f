/** TRUSTED_DOCUMENTS: the file is read at the start, and each error names the document. */
import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readConfig } from '../src/config/gateway-config.ts'
import { writeTrustedDocuments } from './kit/trusted-documents.ts'

const NAME = 'TRUSTED_DOCUMENTS'
const TEXT = '{ uploads { totalCount } }'

function errorsOf(path: string, more: Readonly<Record<string, string>> = {}): readonly string[] {
  const outcome = readConfig({ [NAME]: path, ...more })
  return outcome.kind === 'errors' ? outcome.errors : []
}

test('the documents have the id of the file and the SHA-256 of their text', async () => {
  const path = await writeTrustedDocuments({ a1: TEXT })
  const hash = createHash('sha256').update(TEXT).digest('hex')
  expect(readConfig({ [NAME]: path })).toMatchObject({
    config: { trustedDocuments: [{ ids: ['a1', hash], text: TEXT }] },
  })
})

describe('a file is rejected', () => {
  test.each<[string, unknown, RegExp]>([
    ['that is not JSON', '{', /the file is not JSON/],
    ['with a list', [], /contains no object/],
    ['with null', null, /contains no object/],
    ['without a document', {}, /the object is empty/],
    ['with a document that is no text', { a1: { text: TEXT } }, /the value of a1 is not text/],
    ['with an id of control characters', { 'a\n1': TEXT }, /the key of entry 1 is not an id/],
    ['with a syntax error', { a1: '{' }, /document a1, .* Syntax Error/],
    ['with an unknown field', { a1: '{ uplods }' }, /document a1, .* Cannot query field "uplods"/],
    [
      'with a document beyond a limit',
      { a1: `{ ${'a: __typename '.repeat(51)} }` },
      /a1, .*aliases/,
    ],
    ['with a fragment alone', { a1: 'fragment F on Upload { uid }' }, /document a1, .*never used/],
  ])('%s', async (_name, content, message) => {
    const path = await writeTrustedDocuments(content)
    const errors = errorsOf(path)
    expect(errors).toEqual([expect.stringMatching(message)])
    expect(errors[0]).toMatch(/^TRUSTED_DOCUMENTS .*\.$/)
    expect(errors[0]).not.toContain(path)
  })

  test('that does not exist', () => {
    expect(errorsOf(join(tmpdir(), 'no-such-file.json'))).toEqual([
      'TRUSTED_DOCUMENTS must be the path of a readable file (ENOENT).',
    ])
  })

  test('with all its errors and those of other variables at once', async () => {
    const path = await writeTrustedDocuments({ a1: '{', b2: TEXT, c3: '{ x }', d4: 5 })
    const errors = errorsOf(path, { PORT: 'x' })
    expect(errors).toHaveLength(4)
    for (const id of ['a1', 'c3', 'd4']) expect(errors.join('\n')).toContain(` ${id}`)
    expect(errors.join('\n')).not.toContain(' b2')
  })

  test('with introspection, if introspection is disabled', async () => {
    const path = await writeTrustedDocuments({ a1: '{ __schema { queryType { name } } }' })
    expect(errorsOf(path)).toEqual([])
    expect(errorsOf(path, { INTROSPECTION: 'false' })).toEqual([expect.stringContaining(' a1')])
  })

  test('together with FEDERATION, whose routers write their own operations', async () => {
    const path = await writeTrustedDocuments({ a1: TEXT })
    expect(errorsOf(path, { FEDERATION: 'true' })).toEqual([
      expect.stringMatching(/^TRUSTED_DOCUMENTS cannot be combined with FEDERATION=true/),
    ])
    expect(errorsOf(path, { FEDERATION: 'false' })).toEqual([])
  })
})
