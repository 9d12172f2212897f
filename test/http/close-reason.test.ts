import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { closeReason } from '../../src/http/graphql/websocket/close-reason.ts'

describe('a close reason', () => {
  it.each(['', 'Forbidden', '\uFEFFé💣', 'x'.repeat(123), 'é'.repeat(61), '💣'.repeat(30)])(
    'is the text itself where it fits: %s',
    (text) => {
      expect(closeReason(text)).toBe(text)
    },
  )

  it.each([
    ['x'.repeat(124), 'x'.repeat(123)],
    ['é'.repeat(62), 'é'.repeat(61)],
    ['💣'.repeat(31), '💣'.repeat(30)],
    ['\uD800x', '\uFFFDx'],
  ])('is cut between characters, and well-formed', (text, reason) => {
    expect(closeReason(text)).toBe(reason)
  })

  it('has 123 bytes at most, and no room is left that the next character would fit in', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        const reason = closeReason(text)
        const whole = Buffer.from(text).toString()
        expect(whole.startsWith(reason)).toBe(true)
        expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(123)
        const isAsLong = reason === whole || Buffer.byteLength(reason) + 4 > 123
        expect(isAsLong).toBe(true)
      }),
    )
  })
})
