/** Groups of due uploads in one sync run. */
import { expect, it } from 'vitest'
import { mintIn } from '../contracts/store-suite.ts'
import { createSetup } from '../fast-path/setup.ts'
import { StreamError } from '../../src/uploads/ports/stream-error.ts'

const UPLOADS = 450
const UNAVAILABLE = {
  kind: 'unavailable',
  mayHaveSucceeded: false,
  status: 503,
  codes: [],
  retryAfterSeconds: null,
} as const

/**
 * Starts a gateway with due uploads.
 * @param renewals outcomes of the renewals of the poll lease; true for all further
 * @param failing the list request that fails, from 0
 */
async function start(renewals: readonly boolean[], failing: number | null) {
  const groups: number[] = []
  let renewed = 0
  const setup = await createSetup({
    store: (store) => ({
      ...store,
      renewWatchLeases: async (...lease) => {
        const isHeld = renewals[renewed] ?? true
        renewed += 1
        return isHeld ? store.renewWatchLeases(...lease) : null
      },
    }),
    stream: (stream) => ({
      ...stream,
      listVideos: async ({ uids = [] }) => {
        // The sweep for orphans lists without uids.
        if (uids.length > 0) groups.push(uids.length)
        if (groups.length - 1 === failing)
          throw new StreamError('Stream is unavailable.', UNAVAILABLE)
        return { videos: [], total: 0 }
      },
    }),
  })
  const { store } = setup.dependencies
  for (let id = 0; id < UPLOADS; id += 1) await mintIn(store, { id: `id-${id}` })
  return {
    groups,
    sync: () => setup.gateway.syncOnce(),
    countDue: async () => (await store.findDue(setup.clock.now(), UPLOADS)).length,
  }
}

it('polls all due uploads in groups', async () => {
  const { groups, sync, countDue } = await start([], null)
  await sync()
  expect(groups).toEqual([200, 200, 50])
  expect(await countDue()).toBe(0)
})

it('stops when another gateway has acquired the poll lease, and leaves the rest due', async () => {
  const { groups, sync, countDue } = await start([true, false], null)
  await sync()
  expect(groups).toEqual([200])
  expect(await countDue()).toBe(250)
  await sync()
  expect(groups).toEqual([200, 200, 50])
})

it('stops after a failed request, and leaves the rest due', async () => {
  const { groups, sync, countDue } = await start([], 1)
  await sync()
  expect(groups).toEqual([200, 200])
  expect(await countDue()).toBe(250)
})
