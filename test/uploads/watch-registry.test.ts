import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createWatchRegistry } from '../../src/uploads/watch/watch-registry.ts'

const at = (seconds: number): Date => new Date(seconds * 1000)

describe('a view', () => {
  it('lasts between 10 and 15 seconds with any number of views', () => {
    const views = fc.array(fc.tuple(fc.constantFrom('a', 'b'), fc.nat({ max: 8000 })))
    const holds = fc.property(views, (all) => {
      const watchers = createWatchRegistry()
      const last = new Map<string, number>()
      let now = 0
      for (const [uid, after] of all) {
        now += after
        watchers.recordView(uid, new Date(now))
        last.set(uid, now)
        const watched = watchers.watchedUids(new Date(now))
        const viewedWithin = (ms: number) =>
          [...last].filter(([, viewedAt]) => now - viewedAt < ms).map(([key]) => key)
        expect([...watched]).toEqual(expect.arrayContaining(viewedWithin(10_000)))
        expect(viewedWithin(15_000)).toEqual(expect.arrayContaining([...watched]))
      }
    })
    expect(fc.check(holds)).toMatchObject({ failed: false })
  })

  it('expires, unlike a subscription', () => {
    const watchers = createWatchRegistry()
    const stop = watchers.watch('b')
    watchers.recordView('a', at(0))
    expect([...watchers.watchedUids(at(9))].toSorted()).toEqual(['a', 'b'])
    expect([...watchers.watchedUids(at(15))]).toEqual(['b'])
    stop()
    expect([...watchers.watchedUids(at(15))]).toEqual([])
  })
})
