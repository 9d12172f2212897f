import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createLruCache } from '../../src/shared/lru-cache.ts'

/** Texts of one length: ten of them fit. */
const LENGTH = 10
const FIT = 10
const textOf = (index: number): string => String(index).padEnd(LENGTH, '.')

describe('what is remembered by its text', () => {
  it('is bounded by characters, and never one of those used last is forgotten', () => {
    const holds = fc.property(fc.array(fc.nat({ max: 30 }), { maxLength: 200 }), (uses) => {
      const remembered = createLruCache<number>(LENGTH * FIT)
      let latest: readonly number[] = []
      for (const index of uses) {
        const value = remembered.get(textOf(index))
        expect(latest.includes(index) ? [index] : [undefined, index]).toContain(value)
        if (value === undefined) remembered.set(textOf(index), index)
        latest = [index, ...latest.filter((other) => other !== index)].slice(0, FIT / 2)
      }
      const kept = Array.from({ length: 31 }, (_, index) => remembered.get(textOf(index)))
      expect(kept.filter((value) => value !== undefined).length).toBeLessThanOrEqual(FIT)
    })
    expect(fc.check(holds)).toMatchObject({ failed: false })
  })

  it('gives way to another value of the same text, and is forgotten when asked to', () => {
    const remembered = createLruCache<string>(LENGTH * FIT)
    for (let count = 0; count < 100; count += 1) remembered.set(textOf(1), `value ${count}`)
    remembered.set(textOf(2), 'other')
    expect([remembered.get(textOf(1)), remembered.get(textOf(2))]).toEqual(['value 99', 'other'])
    remembered.delete(textOf(1))
    expect([remembered.get(textOf(1)), remembered.get(textOf(2))]).toEqual([undefined, 'other'])
  })
})
