import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { NOT_IN_SET, type Indexed, createIndexedSet } from '../../src/shared/indexed-set.ts'

const newcomer = (): Indexed => ({ index: NOT_IN_SET })

describe('a roll', () => {
  it('has those who entered and have not left, in whatever order they come and go', () => {
    const holds = fc.property(fc.array(fc.nat({ max: 20 }), { maxLength: 60 }), (steps) => {
      const roll = createIndexedSet()
      const entered: Indexed[] = []
      const expected = new Set<Indexed>()
      for (const step of steps) {
        // Some leave twice, as a connection that breaks after its answer does.
        const leaving = entered[step]
        if (leaving === undefined) {
          const one = newcomer()
          roll.add(one)
          entered.push(one)
          expected.add(one)
        } else {
          roll.delete(leaving)
          expected.delete(leaving)
        }
        expect(new Set(roll.values())).toEqual(expected)
        expect(roll.values()).toHaveLength(expected.size)
      }
    })
    expect(fc.check(holds)).toMatchObject({ failed: false })
  })

  it('is not left by what was never on it', () => {
    const roll = createIndexedSet()
    const one = newcomer()
    roll.add(one)
    roll.delete(newcomer())
    expect(roll.values()).toEqual([one])
  })
})
