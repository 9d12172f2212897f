import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { closeReason } from '../../src/http/graphql/websocket/close-reason.ts'

describe('closeReason', () => {
  it.each(['', 'Forbidden', '\uFEFFé💣', 'x'.repeat(123), 'é'.repeat(61), '💣'.repeat(30)])(
    'returns a text that fits unchanged: %s',
    (text) => {
      expect(closeReason(text)).toBe(text)
    },
  )

  it.each([
    ['x'.repeat(124), 'x'.repeat(123)],
    ['é'.repeat(62), 'é'.repeat(61)],
    ['💣'.repeat(31), '💣'.repeat(30)],
    ['\uD800x', '\uFFFDx'],
  ])('truncates between characters and returns well-formed text', (text, reason) => {
    expect(closeReason(text)).toBe(reason)
  })

  it('returns at most 123 bytes and truncates only if the next character does not fit', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        const reason = closeReason(text)
        const whole = Buffer.from(text).toString()
        expect(whole.startsWith(reason)).toBe(true)
        expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(123)
        const isLongest = reason === whole || Buffer.byteLength(reason) + 4 > 123
        expect(isLongest).toBe(true)
      }),
    )
  })
})
