/** Rare forms of operations and requests, which the lane must leave alone or answer as Yoga does. */
import { describe, expect, it } from 'vitest'
import { expectSame } from './both-paths.ts'
import { setStage } from './setup.ts'

const OPEN = { kind: 'open' } as const

describe('the lane and the long way say the same', () => {
  it.each([
    [
      'a directive whose variable is null',
      '($if: Boolean = true) { a: __typename @skip(if: $if) }',
      { if: null },
    ],
    ['all of a query skipped', '($if: Boolean!) { a: __typename @skip(if: $if) }', { if: true }],
  ])('of %s', async (_what, query, variables) => {
    const stage = await setStage({ auth: OPEN })
    const { text } = await expectSame(stage, { query: `query ${query}`, variables })
    expect(text).toContain('data')
  })

  it.each(['{ then: __typename }', '{ a: node(id: "x") { then: id } }'])(
    'of an alias that looks like a promise: %s',
    async (query) => {
      const stage = await setStage({ auth: OPEN })
      const { text } = await expectSame(stage, { query })
      expect(text).toContain('GRAPHQL_VALIDATION_FAILED')
      expect(stage.errors).toEqual([])
    },
  )

  it('of all of a mutation skipped', async () => {
    const stage = await setStage({ auth: OPEN })
    const query = 'mutation { deleteUpload(uid: "x") @skip(if: true) { __typename } }'
    const { text, requestId } = await expectSame(stage, { query })
    expect(text).toBe('{"data":{}}')
    expect(stage.answeredByLane(requestId)).toBe(true)
  })

  it.each(['multipart/mixed', 'text/event-stream', 'image/png', '', 'application/json;q=0'])(
    'to whoever accepts %s',
    async (accept) => {
      const stage = await setStage({ auth: OPEN })
      const { text } = await expectSame(stage, { query: '{ __typename }', headers: { accept } })
      expect(text).not.toContain('Unexpected')
    },
  )
})
