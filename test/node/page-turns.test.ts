/** Places for operations that read pages of uploads. */
import { setImmediate as nextTick } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createPageTurns } from '../../src/node/page-turns.ts'
import { createScheduling } from '../../src/node/server/accept-priority.ts'

/** Requests places, and records the callers that have one. */
function startTurns() {
  const turns = createPageTurns(createScheduling())
  const entered: string[] = []
  const leaves: (() => void)[] = []
  async function enterAs(caller: string, entries: number): Promise<void> {
    const leave = await turns.enter(caller, entries)
    entered.push(caller)
    leaves.push(leave)
  }
  return {
    entered,
    leaves,
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
])('a caller has places for operations of %i uploads: %i', async (entries, places) => {
  const { entered, leaves, enter } = startTurns()
  for (const caller of ['a', 'a', 'a', 'b']) enter(caller, entries)
  await nextTick()
  const ofA = Array.from({ length: places }, () => 'a')
  expect(entered.toSorted()).toEqual([...ofA, 'b'])
  leaves[entered.indexOf('a')]?.()
  await nextTick()
  expect(entered.toSorted()).toEqual(['a', ...ofA, 'b'])
})

test.each([
  [SMALL, 4],
  [LARGE, 2],
])(
  'all callers wait in turn for places for operations of %i uploads: %i',
  async (entries, places) => {
    const { entered, leaves, enter } = startTurns()
    const callers = ['a', 'b', 'c', 'd', 'e']
    for (const caller of callers) for (let place = 0; place < 50; place += 1) enter(caller, entries)
    await nextTick()
    expect(entered).toHaveLength(places)
    for (let left = 0; left < 10; left += 1) {
      leaves[left]?.()
      await nextTick()
    }
    expect(entered).toHaveLength(places + 10)
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
