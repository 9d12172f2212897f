/** Rare forms of operations and requests, which the lane must leave alone or answer as Yoga does. */
import { describe, expect, it } from 'vitest'
import { expectSame } from './both-paths.ts'
import { setSetup } from './setup.ts'

const OPEN = { kind: 'disabled' } as const

describe('the lane and the long way say the same', () => {
  it.each([
    [
      'a directive whose variable is null',
      '($if: Boolean = true) { a: __typename @skip(if: $if) }',
      { if: null },
    ],
    ['all of a query skipped', '($if: Boolean!) { a: __typename @skip(if: $if) }', { if: true }],
  ])('of %s', async (_what, query, variables) => {
    const setup = await setSetup({ auth: OPEN })
    const { text } = await expectSame(setup, { query: `query ${query}`, variables })
    expect(text).toContain('data')
  })

  it.each(['{ then: __typename }', '{ a: node(id: "x") { then: id } }'])(
    'of an alias that looks like a promise: %s',
    async (query) => {
      const setup = await setSetup({ auth: OPEN })
      const { text } = await expectSame(setup, { query })
      expect(text).toContain('GRAPHQL_VALIDATION_FAILED')
      expect(setup.errors).toEqual([])
    },
  )

  it('of all of a mutation skipped', async () => {
    const setup = await setSetup({ auth: OPEN })
    const query = 'mutation { deleteUpload(uid: "x") @skip(if: true) { __typename } }'
    const { text, requestId } = await expectSame(setup, { query })
    expect(text).toBe('{"data":{}}')
    expect(setup.answeredByLane(requestId)).toBe(true)
  })

  it.each(['multipart/mixed', 'text/event-stream', 'image/png', '', 'application/json;q=0'])(
    'to whoever accepts %s',
    async (accept) => {
      const setup = await setSetup({ auth: OPEN })
      const { text } = await expectSame(setup, { query: '{ __typename }', headers: { accept } })
      expect(text).not.toContain('Unexpected')
    },
  )
})
