/** Rare operations and requests: the fast path bails out or responds like Yoga. */
import { describe, expect, it } from 'vitest'
import { expectSameResponse } from './both-paths.ts'
import { createSetup } from './setup.ts'

const OPEN = { kind: 'disabled' } as const

describe('the fast path and the fallback respond equally', () => {
  it.each([
    [
      'a directive whose variable is null',
      '($if: Boolean = true) { a: __typename @skip(if: $if) }',
      { if: null },
      'must not be null',
    ],
    [
      'a query of which every field is skipped',
      '($if: Boolean!) { a: __typename @skip(if: $if) }',
      { if: true },
      '"data":{}',
    ],
  ])('to %s', async (_what, query, variables, expected) => {
    const setup = await createSetup({ auth: OPEN })
    const { text } = await expectSameResponse(setup, { query: `query ${query}`, variables })
    expect(text).toContain(expected)
  })

  it.each(['{ then: __typename }', '{ a: node(id: "x") { then: id } }'])(
    'to an alias named like a promise method: %s',
    async (query) => {
      const setup = await createSetup({ auth: OPEN })
      const { text } = await expectSameResponse(setup, { query })
      expect(text).toContain('GRAPHQL_VALIDATION_FAILED')
      expect(setup.errors).toEqual([])
    },
  )

  it('to a mutation of which every field is skipped', async () => {
    const setup = await createSetup({ auth: OPEN })
    const query = 'mutation { deleteUpload(uid: "x") @skip(if: true) { __typename } }'
    const { text, requestId } = await expectSameResponse(setup, { query })
    expect(text).toBe('{"data":{}}')
    expect(setup.usedFastPath(requestId)).toBe(true)
  })

  it.each(['multipart/mixed', 'text/event-stream', 'image/png', '', 'application/json;q=0'])(
    'to a request that accepts %s',
    async (accept) => {
      const setup = await createSetup({ auth: OPEN })
      const { text } = await expectSameResponse(setup, {
        query: '{ __typename }',
        headers: { accept },
      })
      expect(text).not.toContain('Unexpected')
    },
  )
})
