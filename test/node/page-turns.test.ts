/** Places for operations that read several pages. */
import { setImmediate as nextTick } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createPageTurns } from '../../src/node/page-turns.ts'
import { createScheduling } from '../../src/node/server/accept-priority.ts'

/** Requests places, and records the callers that have one. */
function startTurns() {
  const turns = createPageTurns(createScheduling())
  const entered: string[] = []
  const leaves: (() => void)[] = []
  async function enterAs(caller: string): Promise<void> {
    const leave = await turns.enter(caller)
    entered.push(caller)
    leaves.push(leave)
  }
  return {
    entered,
    leaves,
    enter: (caller: string): void => {
      void enterAs(caller)
    },
  }
}

test('a caller has two places, and gets another when it leaves one', async () => {
  const { entered, leaves, enter } = startTurns()
  for (const caller of ['a', 'a', 'a', 'b']) enter(caller)
  await nextTick()
  expect(entered.toSorted()).toEqual(['a', 'a', 'b'])
  leaves[entered.indexOf('a')]?.()
  await nextTick()
  expect(entered.toSorted()).toEqual(['a', 'a', 'a', 'b'])
})

test('there are eight places, for which callers wait in turn', async () => {
  const { entered, leaves, enter } = startTurns()
  const callers = ['a', 'b', 'c', 'd', 'e']
  for (const caller of callers) for (let place = 0; place < 50; place += 1) enter(caller)
  await nextTick()
  expect(entered).toHaveLength(8)
  for (let left = 0; left < 8; left += 1) leaves[left]?.()
  await nextTick()
  expect(entered).toHaveLength(16)
  for (const caller of callers) {
    expect(entered.filter((name) => name === caller).length).toBeGreaterThanOrEqual(2)
  }
})
