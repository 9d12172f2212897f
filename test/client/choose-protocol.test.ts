/** The choice between basic and tus uploads, and the estimate of the connection's reliability. */
import * as fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { chooseProtocol, isConnectionReliable } from '../../src/client/choose-protocol.ts'
import { recommendProtocol } from '../../src/uploads/recommend-protocol.ts'

const BASIC_LIMIT = 200_000_000

describe('chooseProtocol', () => {
  it.each([
    ['a small file', 1, true, undefined, 'BASIC'],
    ['exactly 200 MB', BASIC_LIMIT, true, undefined, 'BASIC'],
    ['one byte more', BASIC_LIMIT + 1, true, undefined, 'TUS'],
    ['a small file on a phone', 1, false, undefined, 'TUS'],
    ['a large file on a phone', BASIC_LIMIT + 1, false, undefined, 'TUS'],
    ['the requested protocol', 1, true, 'TUS', 'TUS'],
    ['the requested protocol on a phone', 1, false, 'BASIC', 'BASIC'],
  ] as const)(
    '%s: %i bytes, reliable %s, requested %s: %s',
    (_case, bytes, reliable, requested, expected) => {
      const { protocol, reason } = chooseProtocol(bytes, reliable, requested)
      expect(protocol).toBe(expected)
      expect(reason).toMatch(/\w.*\.$/)
    },
  )

  it('agrees with the recommendation of the gateway for every size that Stream accepts', () => {
    const size = fc.oneof(
      fc.integer({ min: 1, max: 30_000_000_000 }),
      fc.integer({ min: BASIC_LIMIT - 2, max: BASIC_LIMIT + 2 }),
    )
    fc.assert(
      fc.property(size, fc.boolean(), (bytes, reliable) => {
        const { protocol, reason } = recommendProtocol(bytes, reliable)
        expect(chooseProtocol(bytes, reliable, undefined)).toEqual({ protocol, reason })
      }),
    )
  })
})

describe('isConnectionReliable', () => {
  afterEach(() => vi.unstubAllGlobals())

  it.each([
    ['Node, or a browser without connection information', {}, true],
    ['4G', { connection: { effectiveType: '4g', saveData: false } }, true],
    ['3G', { connection: { effectiveType: '3g', saveData: false } }, false],
    ['4G with data saver', { connection: { effectiveType: '4g', saveData: true } }, false],
    ['a connection of unknown type', { connection: {} }, true],
  ])('%s', (_case, navigator, expected) => {
    vi.stubGlobal('navigator', navigator)
    expect(isConnectionReliable()).toBe(expected)
  })
})
