import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { NOWHERE, type Placed, createRoll } from '../../src/shared/indexed-set.ts'

const newcomer = (): Placed => ({ place: NOWHERE })

describe('a roll', () => {
  it('has those who entered and have not left, in whatever order they come and go', () => {
    const holds = fc.property(fc.array(fc.nat({ max: 20 }), { maxLength: 60 }), (steps) => {
      const roll = createRoll()
      const entered: Placed[] = []
      const expected = new Set<Placed>()
      for (const step of steps) {
        // Some leave twice, as a connection that breaks after its answer does.
        const leaving = entered[step]
        if (leaving === undefined) {
          const one = newcomer()
          roll.enter(one)
          entered.push(one)
          expected.add(one)
        } else {
          roll.leave(leaving)
          expected.delete(leaving)
        }
        expect(new Set(roll.all())).toEqual(expected)
        expect(roll.all()).toHaveLength(expected.size)
      }
    })
    expect(fc.check(holds)).toMatchObject({ failed: false })
  })

  it('is not left by what was never on it', () => {
    const roll = createRoll()
    const one = newcomer()
    roll.enter(one)
    roll.leave(newcomer())
    expect(roll.all()).toEqual([one])
  })
})
