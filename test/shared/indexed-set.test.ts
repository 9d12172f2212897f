import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { NOT_IN_SET, type Indexed, createIndexedSet } from '../../src/shared/indexed-set.ts'

const createElement = (): Indexed => ({ index: NOT_IN_SET })

describe('an indexed set', () => {
  it('contains the added and not deleted elements in any order of changes', () => {
    const holds = fc.property(fc.array(fc.nat({ max: 20 }), { maxLength: 60 }), (steps) => {
      const set = createIndexedSet()
      const added: Indexed[] = []
      const expected = new Set<Indexed>()
      for (const step of steps) {
        // Some are deleted twice, as by a connection that breaks after its response.
        const element = added[step]
        if (element === undefined) {
          const newElement = createElement()
          set.add(newElement)
          added.push(newElement)
          expected.add(newElement)
        } else {
          set.delete(element)
          expected.delete(element)
        }
        expect(new Set(set.values())).toEqual(expected)
        expect(set.values()).toHaveLength(expected.size)
      }
    })
    expect(fc.check(holds)).toMatchObject({ failed: false })
  })

  it('ignores the deletion of an element that was never added', () => {
    const set = createIndexedSet()
    const element = createElement()
    set.add(element)
    set.delete(createElement())
    expect(set.values()).toEqual([element])
  })
})
