import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createLruCache } from '../../src/shared/lru-cache.ts'

/** Keys of one length, of which ten fit. */
const LENGTH = 10
const CAPACITY = 10
const keyOf = (index: number): string => String(index).padEnd(LENGTH, '.')

describe('an LRU cache', () => {
  it('is limited by characters and keeps the most recently used entries', () => {
    const holds = fc.property(fc.array(fc.nat({ max: 30 }), { maxLength: 200 }), (uses) => {
      const cache = createLruCache<number>(LENGTH * CAPACITY)
      let latest: readonly number[] = []
      for (const index of uses) {
        const value = cache.get(keyOf(index))
        expect(latest.includes(index) ? [index] : [undefined, index]).toContain(value)
        if (value === undefined) cache.set(keyOf(index), index)
        latest = [index, ...latest.filter((other) => other !== index)].slice(0, CAPACITY / 2)
      }
      const kept = Array.from({ length: 31 }, (_, index) => cache.get(keyOf(index)))
      expect(kept.filter((value) => value !== undefined).length).toBeLessThanOrEqual(CAPACITY)
    })
    expect(fc.check(holds)).toMatchObject({ failed: false })
  })

  it('replaces the value of a key and deletes a key', () => {
    const cache = createLruCache<string>(LENGTH * CAPACITY)
    for (let count = 0; count < 100; count += 1) cache.set(keyOf(1), `value ${count}`)
    cache.set(keyOf(2), 'other')
    expect([cache.get(keyOf(1)), cache.get(keyOf(2))]).toEqual(['value 99', 'other'])
    cache.delete(keyOf(1))
    expect([cache.get(keyOf(1)), cache.get(keyOf(2))]).toEqual([undefined, 'other'])
  })
})
