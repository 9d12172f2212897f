/** Reads of many uploads do not hold the event loop: each page is read in a turn of its own. */
import { expect, onTestFinished, test } from 'vitest'
import { createSetup, JWT_AUTH } from '../fast-path/setup.ts'
import { sendOperation } from '../fast-path/both-paths.ts'
import { startTicks } from '../kit/ticks.ts'
import { tokenFor } from '../kit/gateway.ts'

const PAGES = 10

test.each([
  ['lists', 'uploads(first: 100) { nodes { uid } }'],
  ['nodes', 'nodes(ids: ["VXBsb2FkOmE="]) { id }'],
])('%s of one operation, and of several, are read in different turns', async (_kind, page) => {
  const ticks = startTicks()
  onTestFinished(ticks.stop)
  const reads: number[] = []
  const setup = await createSetup({
    auth: JWT_AUTH,
    store: (store) => ({
      ...store,
      list: (filter, range) => {
        reads.push(ticks.count())
        return store.list(filter, range)
      },
      findMany: (uids) => {
        reads.push(ticks.count())
        return store.findMany(uids)
      },
    }),
  })
  const pages = Array.from({ length: PAGES }, (_, index) => `a${index}: ${page}`)
  const query = `{ ${pages.join(' ')} }`
  const headers = { authorization: `Bearer ${await tokenFor('alice')}` }
  // The last ones are executed by the fast path.
  for (let round = 0; round < 3; round += 1) {
    reads.length = 0
    const responses = await Promise.all(
      [1, 2].map(() => sendOperation(setup.fast, { query, headers })),
    )
    for (const { text } of responses) expect(text).toMatch(/^\{"data":\{"a0"/)
    expect(reads).toHaveLength(2 * PAGES)
    // Each operation reads its first page at once, also in the turn of the other.
    expect(new Set(reads).size).toBeGreaterThanOrEqual(2 * PAGES - 2)
  }
})
