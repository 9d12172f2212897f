/** Token expiry calls each listener once, to the millisecond, and no removed listener. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createTokenExpiry } from '../../src/http/auth/token-expiry.ts'
import { createTestClock } from '../kit/clock.ts'
import { ticks } from './subscription-clients.ts'

const START = Date.UTC(2026, 0, 1)

function ignore(): void {
  // These tests do not read the log.
}
const SILENT = { debug: ignore, info: ignore, warn: ignore, error: ignore }

function stoppedClock() {
  return createTestClock(() => START)
}

function viewerUntil(seconds: number) {
  return {
    subject: 'ada',
    isAdmin: false,
    canPlayAll: false,
    limits: null,
    expiresAt: new Date(START + seconds * 1000),
  }
}

describe('token expiry', () => {
  it('calls every listener although one of them throws', async () => {
    const errors: object[] = []
    const log = { ...SILENT, error: (fields: object) => void errors.push(fields) }
    const expires = createTokenExpiry({ clock: stoppedClock(), log })
    const viewer = viewerUntil(-1)
    let calls = 0
    expires.onExpiry(viewer, () => {
      throw new Error('the connection failed')
    })
    expires.onExpiry(viewer, () => {
      calls += 1
    })
    await ticks(2)
    expect(calls).toBe(1)
    expect(errors).toHaveLength(1)
  })

  it('calls a listener of a token that has already expired', async () => {
    let calls = 0
    createTokenExpiry({ clock: stoppedClock(), log: SILENT }).onExpiry(viewerUntil(-1), () => {
      calls += 1
    })
    await ticks(2)
    expect(calls).toBe(1)
  })

  it('calls listeners to the millisecond, and no removed listener', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ until: fc.integer({ min: 1, max: 5 }), stays: fc.boolean() }), {
          maxLength: 12,
        }),
        async (listeners) => {
          const clock = stoppedClock()
          const expires = createTokenExpiry({ clock, log: SILENT })
          const viewers = [1, 2, 3, 4, 5].map(viewerUntil)
          const calls = listeners.map(() => 0)
          const stops = listeners.map(({ until }, index) => {
            const viewer = viewers[until - 1] ?? viewerUntil(until)
            return expires.onExpiry(viewer, () => {
              calls[index] = (calls[index] ?? 0) + 1
            })
          })
          listeners.forEach(({ stays }, index) => {
            if (!stays) stops[index]?.()
          })
          for (let second = 1; second <= 6; second += 1) {
            clock.advance(0.999)
            await ticks(2)
            expect(calls).toEqual(expected(listeners, second - 1))
            clock.advance(0.001)
            await ticks(2)
            expect(calls).toEqual(expected(listeners, second))
          }
        },
      ),
      { numRuns: 30 },
    )
  })
})

function expected(
  listeners: readonly { readonly until: number; readonly stays: boolean }[],
  second: number,
): readonly number[] {
  return listeners.map(({ until, stays }) => (stays && until <= second ? 1 : 0))
}
