import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createWatchRegistry } from '../../src/uploads/watch/watch-registry.ts'

const at = (seconds: number): Date => new Date(seconds * 1000)

describe('a look', () => {
  it('counts for ten seconds at least and fifteen at most, however often somebody looks', () => {
    const looks = fc.array(fc.tuple(fc.constantFrom('a', 'b'), fc.nat({ max: 8000 })))
    const holds = fc.property(looks, (all) => {
      const watchers = createWatchRegistry()
      const last = new Map<string, number>()
      let now = 0
      for (const [uid, after] of all) {
        now += after
        watchers.recordView(uid, new Date(now))
        last.set(uid, now)
        const watched = watchers.watchedUids(new Date(now))
        const lookedWithin = (ms: number) =>
          [...last].filter(([, lookedAt]) => now - lookedAt < ms).map(([one]) => one)
        expect([...watched]).toEqual(expect.arrayContaining(lookedWithin(10_000)))
        expect(lookedWithin(15_000)).toEqual(expect.arrayContaining([...watched]))
      }
    })
    expect(fc.check(holds)).toMatchObject({ failed: false })
  })

  it('is forgotten, where a subscription is not', () => {
    const watchers = createWatchRegistry()
    const stop = watchers.watch('b')
    watchers.recordView('a', at(0))
    expect([...watchers.watchedUids(at(9))].toSorted()).toEqual(['a', 'b'])
    expect([...watchers.watchedUids(at(15))]).toEqual(['b'])
    stop()
    expect([...watchers.watchedUids(at(15))]).toEqual([])
  })
})
