/** Reads of many uploads do not hold the event loop: their pages wait for the turns of their caller. */
import { expect, onTestFinished, test } from 'vitest'
import { createSetup, JWT_AUTH } from '../fast-path/setup.ts'
import { sendOperation } from '../fast-path/both-paths.ts'
import { startTicks } from '../kit/ticks.ts'
import { tokenFor } from '../kit/gateway.ts'
import { createTestUpload } from '../fast-path/upload-histories.ts'

const PAGES = 10
/** Operations of up to 100 uploads that are executed at the same time. */
const PLACES = 4
/** Milliseconds that a page takes, more than the time for turns in one tick. */
const PAGE_MS = 5

function work(): void {
  const endsAt = performance.now() + PAGE_MS
  while (performance.now() < endsAt);
}

/** Results of a database that arrive together, as those of all connections of a pool may. */
function createArrivals() {
  let waiting: (() => void)[] = []
  return {
    together: () =>
      new Promise<void>((resolve) => {
        waiting.push(resolve)
        if (waiting.length < PLACES) return
        for (const arrive of waiting) arrive()
        waiting = []
      }),
  }
}

/**
 * Starts a gateway whose reads of pages take time, and records the tick of each, and of each read of histories.
 * @param failing the page of each operation that fails, from 1
 */
async function start({ failing = 0, isTogether = false } = {}) {
  const ticks = startTicks()
  onTestFinished(ticks.stop)
  const reads: { readonly tick: number; readonly creator: string | undefined }[] = []
  const histories: number[] = []
  const arrivals = createArrivals()
  const read = (creator?: string): void => {
    reads.push({ tick: ticks.count(), creator })
    work()
  }
  const setup = await createSetup({
    auth: JWT_AUTH,
    store: (store) => ({
      ...store,
      historyOf: (ids) => {
        histories.push(ticks.count())
        work()
        return store.historyOf(ids)
      },
      list: (filter, range) => {
        read(filter.creator)
        if (reads.length === failing) throw new Error('The page cannot be read.')
        const listed = store.list(filter, range)
        return isTogether ? arrivals.together().then(() => listed) : listed
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
  return { setup, reads, histories, send, ticks }
}

test.each([
  ['lists', 'uploads(first: 100) { nodes { uid } }'],
  ['nodes', 'nodes(ids: ["VXBsb2FkOmE=", "VXBsb2FkOmI=", "VXBsb2FkOmM="]) { id }'],
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
  const page = 'uploads(first: 20) { nodes { uid } }'
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
  const { reads, send, ticks } = await start({ failing: 3 })
  const text = await send('alice', 'uploads(first: 20) { nodes { uid } }', PAGES)
  expect(text).toContain('"path":["a2"]')
  const endedAt = ticks.count()
  await expect.poll(() => ticks.count()).toBeGreaterThan(endedAt + 3 * PAGES)
  expect(reads.length).toBeLessThan(PAGES)
})

test('operations that read few uploads wait for no other', async () => {
  const { reads, send } = await start()
  const large = Array.from({ length: 8 }, (_, index) =>
    send(`caller-${index}`, 'uploads(first: 100) { nodes { uid } }', PAGES),
  )
  await expect.poll(() => reads.length).toBeGreaterThan(10)
  const before = reads.length
  await send('bob', 'uploads(first: 5) { nodes { uid } }', 4)
  expect(reads.length - before).toBeLessThan(3 * PAGES)
  await Promise.all(large)
})

test('pages that arrive together are executed in different ticks, also the only ones of operations', async () => {
  const { setup, histories, send } = await start({ isTogether: true })
  const callers = Array.from({ length: PLACES }, (_, index) => `caller-${index}`)
  for (const caller of callers) {
    await createTestUpload(setup, { authorization: `Bearer ${await tokenFor(caller)}` })
  }
  const page = 'uploads(first: 21) { nodes { history { status } } }'
  for (let round = 0; round < 3; round += 1) {
    histories.length = 0
    const texts = await Promise.all(callers.map((caller) => send(caller, page, 1)))
    for (const text of texts) expect(text).toContain('{"history":[{"status":"')
    expect(new Set(histories).size).toBe(callers.length)
  }
})
