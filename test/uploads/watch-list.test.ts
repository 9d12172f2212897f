/** The first page of a live list: it is read in a turn, and counts until it was read. */
import { once } from 'node:events'
import { expect, it, onTestFinished } from 'vitest'
import { createMemoryPubSub } from '../../src/pubsub/memory-pubsub.ts'
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import { MAX_SUBSCRIPTIONS_PER_CALLER } from '../../src/uploads/ports/watch-registry.ts'
import type { UploadStore } from '../../src/uploads/ports/upload-store.ts'
import { createWatchRegistry } from '../../src/uploads/watch/watch-registry.ts'
import { type UploadListEvents, watchList } from '../../src/uploads/watch/watch-list.ts'
import { createTestClock } from '../kit/clock.ts'

const viewer = {
  subject: 'alice',
  isAdmin: false,
  canPlayAll: false,
  limits: null,
  expiresAt: null,
}

function start() {
  const store = createSqliteStore(':memory:')
  onTestFinished(() => store.close())
  let lists = 0
  const counted: UploadStore = {
    ...store,
    list(...args) {
      lists += 1
      return store.list(...args)
    },
  }
  const dependencies = {
    store: counted,
    pubsub: createMemoryPubSub(),
    watchRegistry: createWatchRegistry(),
    clock: createTestClock(),
    closing: new AbortController().signal,
  }
  return {
    watch: () =>
      watchList(dependencies, viewer, {}, { from: 'newest', size: 100, after: null, before: null }),
    lists: () => lists,
  }
}

/** Executes the first event; the page may be read when `turn` resolves. */
async function requestPage(events: UploadListEvents, turn: Promise<unknown>) {
  const { value } = await events.next()
  if (value === undefined || !('readPage' in value)) throw new Error('The page is not first.')
  return value.readPage(async (read) => {
    await turn
    return read()
  })
}

it('does not read the page of a subscription that has ended, and counts it until its turn', async () => {
  const { watch, lists } = start()
  const turn = new AbortController()
  const started = once(turn.signal, 'abort')
  const pages: Promise<unknown>[] = []
  const ends: Promise<unknown>[] = []
  for (let count = 0; count < MAX_SUBSCRIPTIONS_PER_CALLER; count += 1) {
    const events = await watch()
    if ('kind' in events) throw new Error(events.message)
    pages.push(requestPage(events, started).catch((error: unknown) => error))
    await Promise.resolve()
    ends.push(Promise.resolve(events.return?.()))
  }
  expect(await watch()).toMatchObject({ kind: 'RateLimitedError' })
  turn.abort()
  await Promise.all([...pages, ...ends])
  expect(lists()).toBe(0)
  expect(await watch()).not.toHaveProperty('kind')
})
