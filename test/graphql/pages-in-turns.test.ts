/** Reads of many uploads do not hold the event loop: after the first page, an operation waits for the turns of its caller. */
import { expect, onTestFinished, test } from 'vitest'
import { createSetup, JWT_AUTH } from '../fast-path/setup.ts'
import { sendOperation } from '../fast-path/both-paths.ts'
import { startTicks } from '../kit/ticks.ts'
import { tokenFor } from '../kit/gateway.ts'

const PAGES = 10
/** Milliseconds that a page takes, more than the time for turns in one tick. */
const PAGE_MS = 5

/**
 * Starts a gateway whose reads of pages take time, and records the tick of each.
 * @param failing the page of each operation that fails, from 1
 */
async function start(failing: number | null = null) {
  const ticks = startTicks()
  onTestFinished(ticks.stop)
  const reads: { readonly tick: number; readonly creator: string | undefined }[] = []
  const read = (creator?: string): void => {
    reads.push({ tick: ticks.count(), creator })
    const endsAt = performance.now() + PAGE_MS
    while (performance.now() < endsAt);
  }
  const setup = await createSetup({
    auth: JWT_AUTH,
    store: (store) => ({
      ...store,
      list: (filter, range) => {
        read(filter.creator)
        if (reads.length === failing) throw new Error('The page cannot be read.')
        return store.list(filter, range)
      },
      findMany: (uids) => {
        read()
        return store.findMany(uids)
      },
    }),
  })
  const send = async (caller: string, page: string, pages: number): Promise<string> => {
    const aliases = Array.from({ length: pages }, (_, index) => `a${index}: ${page}`)
    const headers = { authorization: `Bearer ${await tokenFor(caller)}` }
    return (await sendOperation(setup.fast, { query: `{ ${aliases.join(' ')} }`, headers })).text
  }
  return { reads, send, ticks }
}

test.each([
  ['lists', 'uploads(first: 100) { nodes { uid } }'],
  ['nodes', 'nodes(ids: ["VXBsb2FkOmE="]) { id }'],
])('%s of one operation are read in different ticks', async (_kind, page) => {
  const { reads, send } = await start()
  // The last ones are executed by the fast path.
  for (let round = 0; round < 3; round += 1) {
    reads.length = 0
    expect(await send('alice', page, PAGES)).toMatch(/^\{"data":\{"a0"/)
    expect(new Set(reads.map(({ tick }) => tick)).size).toBe(PAGES)
  }
})

test('the pages of a caller do not wait for those of another', async () => {
  const { reads, send } = await start()
  const page = 'uploads(first: 1) { nodes { uid } }'
  const ofAlice = Array.from({ length: 20 }, () => send('alice', page, PAGES))
  await expect.poll(() => reads.length).toBeGreaterThan(20)
  await send('bob', page, 2)
  const [first, second] = reads.flatMap(({ creator }, index) => (creator === 'bob' ? index : []))
  if (first === undefined || second === undefined) throw new Error('Bob has no pages.')
  expect(second - first).toBeLessThanOrEqual(3)
  expect(reads.length).toBeLessThan(20 * PAGES)
  await Promise.all(ofAlice)
})

test('an operation that has ended reads no further pages', async () => {
  const { reads, send, ticks } = await start(3)
  const text = await send('alice', 'uploads(first: 1) { nodes { uid } }', PAGES)
  expect(text).toContain('"path":["a2"]')
  const endedAt = ticks.count()
  await expect.poll(() => ticks.count()).toBeGreaterThan(endedAt + 3 * PAGES)
  expect(reads.length).toBeLessThan(PAGES)
})
