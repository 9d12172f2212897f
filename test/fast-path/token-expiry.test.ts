/** Tokens that lapse: each listener is told once, at that very moment, and none that has gone. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createTokenExpiry } from '../../src/http/auth/token-expiry.ts'
import { createTestClock } from '../kit/clock.ts'
import { turns } from './subscription-clients.ts'

const START = Date.UTC(2026, 0, 1)

function ignore(): void {
  // What is logged is not of interest here.
}
const SILENT = { debug: ignore, info: ignore, warn: ignore, error: ignore }

function standingClock() {
  return createTestClock(() => START)
}

function viewerUntil(seconds: number) {
  return { subject: 'ada', isAdmin: false, expiresAt: new Date(START + seconds * 1000) }
}

describe('a token', () => {
  it('is told of to every listener, though one of them throws', async () => {
    const errors: object[] = []
    const log = { ...SILENT, error: (fields: object) => void errors.push(fields) }
    const expires = createTokenExpiry({ clock: standingClock(), log })
    const viewer = viewerUntil(-1)
    let told = 0
    expires.onExpiry(viewer, () => {
      throw new Error('the connection broke')
    })
    expires.onExpiry(viewer, () => {
      told += 1
    })
    await turns(2)
    expect(told).toBe(1)
    expect(errors).toHaveLength(1)
  })

  it('that has lapsed before anybody listens is told of all the same', async () => {
    let told = 0
    createTokenExpiry({ clock: standingClock(), log: SILENT }).onExpiry(viewerUntil(-1), () => {
      told += 1
    })
    await turns(2)
    expect(told).toBe(1)
  })

  it('ends those who listen, to the millisecond, and nobody who has gone', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ until: fc.integer({ min: 1, max: 5 }), stays: fc.boolean() }), {
          maxLength: 12,
        }),
        async (wishes) => {
          const clock = standingClock()
          const expires = createTokenExpiry({ clock, log: SILENT })
          const viewers = [1, 2, 3, 4, 5].map(viewerUntil)
          const told = wishes.map(() => 0)
          const stops = wishes.map(({ until }, index) => {
            const viewer = viewers[until - 1] ?? viewerUntil(until)
            return expires.onExpiry(viewer, () => {
              told[index] = (told[index] ?? 0) + 1
            })
          })
          wishes.forEach(({ stays }, index) => {
            if (!stays) stops[index]?.()
          })
          for (let second = 1; second <= 6; second += 1) {
            clock.advance(0.999)
            await turns(2)
            expect(told).toEqual(expected(wishes, second - 1))
            clock.advance(0.001)
            await turns(2)
            expect(told).toEqual(expected(wishes, second))
          }
        },
      ),
      { numRuns: 30 },
    )
  })
})

function expected(
  wishes: readonly { readonly until: number; readonly stays: boolean }[],
  second: number,
): readonly number[] {
  return wishes.map(({ until, stays }) => (stays && until <= second ? 1 : 0))
}
