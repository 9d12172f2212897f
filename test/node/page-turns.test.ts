/** Places for operations that read pages of uploads. */
import { setImmediate as nextTick } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { PagesPlace } from '../../src/uploads/ports/page-turns.ts'
import { createPageTurns } from '../../src/node/page-turns.ts'
import { createScheduling } from '../../src/node/server/accept-priority.ts'

/** Requests places, and records the callers that have one. */
function startTurns() {
  const turns = createPageTurns(createScheduling())
  const entered: string[] = []
  const places: PagesPlace[] = []
  async function enterAs(caller: string, entries: number): Promise<void> {
    const place = await turns.enter(caller, entries)
    entered.push(caller)
    places.push(place)
  }
  return {
    entered,
    places,
    enter: (caller: string, entries: number): void => {
      void enterAs(caller, entries)
    },
  }
}

const SMALL = 100
const LARGE = 101

test.each([
  [SMALL, 2],
  [LARGE, 1],
])('a caller has places for operations of %i uploads: %i', async (entries, count) => {
  const { entered, places, enter } = startTurns()
  for (const caller of ['a', 'a', 'a', 'b']) enter(caller, entries)
  await nextTick()
  const ofA = Array.from({ length: count }, () => 'a')
  expect(entered.toSorted()).toEqual([...ofA, 'b'])
  places[entered.indexOf('a')]?.end()
  await nextTick()
  expect(entered.toSorted()).toEqual(['a', ...ofA, 'b'])
})

test.each([
  [SMALL, 4],
  [LARGE, 2],
])(
  'all callers wait in turn for places for operations of %i uploads: %i',
  async (entries, count) => {
    const { entered, places, enter } = startTurns()
    const callers = ['a', 'b', 'c', 'd', 'e']
    for (const caller of callers) for (let place = 0; place < 50; place += 1) enter(caller, entries)
    await nextTick()
    expect(entered).toHaveLength(count)
    for (let left = 0; left < 10; left += 1) {
      places[left]?.end()
      await nextTick()
    }
    expect(entered).toHaveLength(count + 10)
    for (const caller of callers) {
      expect(entered.filter((name) => name === caller).length).toBeGreaterThanOrEqual(2)
    }
  },
)

test('large operations delay no small ones', async () => {
  const { entered, enter } = startTurns()
  for (let place = 0; place < 50; place += 1) enter(`caller ${place}`, LARGE)
  enter('a', SMALL)
  await nextTick()
  expect(entered).toContain('a')
})

test('an operation that has read its pages delays its caller only', async () => {
  const { entered, places, enter } = startTurns()
  for (const caller of ['a', 'b', 'c']) enter(caller, LARGE)
  await nextTick()
  expect(entered).toEqual(['a', 'b'])
  places[0]?.endReading()
  enter('a', LARGE)
  await nextTick()
  expect(entered).toEqual(['a', 'b', 'c'])
  places[0]?.end()
  places[1]?.end()
  await nextTick()
  expect(entered).toEqual(['a', 'b', 'c', 'a'])
})
