/** The first page of a live list: it is read in a turn, counts until it was read, and is not kept. */
import { once } from 'node:events'
import { setImmediate as nextTick } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { createMemoryPubSub } from '../../src/pubsub/memory-pubsub.ts'
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import { MAX_SUBSCRIPTIONS_PER_CALLER } from '../../src/uploads/ports/watch-registry.ts'
import type { UploadStore } from '../../src/uploads/ports/upload-store.ts'
import { createWatchRegistry } from '../../src/uploads/watch/watch-registry.ts'
import {
  type UploadListEvent,
  type UploadListEvents,
  watchList,
} from '../../src/uploads/watch/watch-list.ts'
import { createOperationPages } from '../../src/graphql/operation-pages.ts'
import { createPageTurns } from '../../src/node/page-turns.ts'
import { createScheduling } from '../../src/node/server/accept-priority.ts'
import { createTestClock } from '../kit/clock.ts'
import { collectGarbage } from '../kit/collect-garbage.ts'
import { alice } from '../kit/viewer.ts'

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
      watchList(dependencies, alice, {}, { from: 'newest', size: 100, after: null, before: null }),
    lists: () => lists,
  }
}

type ReadPage = Extract<UploadListEvent, { readonly readPage: unknown }>['readPage']

/** Executes the first event. */
async function requestPage(
  events: UploadListEvents,
  inTurn: Parameters<ReadPage>[0],
): ReturnType<ReadPage> {
  const { value } = await events.next()
  if (value === undefined || !('readPage' in value)) throw new Error('The page is not first.')
  return value.readPage(inTurn)
}

async function open({ watch }: ReturnType<typeof start>): Promise<UploadListEvents> {
  const events = await watch()
  if ('kind' in events) throw new Error(events.message)
  return events
}

it('does not read the page of a subscription that has ended, and counts it until its turn', async () => {
  const setup = start()
  const { watch, lists } = setup
  const turn = new AbortController()
  const started = once(turn.signal, 'abort')
  const pages: Promise<unknown>[] = []
  const ends: Promise<unknown>[] = []
  for (let count = 0; count < MAX_SUBSCRIPTIONS_PER_CALLER; count += 1) {
    const events = await open(setup)
    const page = requestPage(events, async (read) => {
      await started
      return read()
    })
    pages.push(page.catch((error: unknown) => error))
    await Promise.resolve()
    ends.push(Promise.resolve(events.return?.()))
  }
  expect(await watch()).toMatchObject({ kind: 'RateLimitedError' })
  turn.abort()
  await Promise.all([...pages, ...ends])
  expect(lists()).toBe(0)
  expect(await watch()).not.toHaveProperty('kind')
})

it('does not keep the page while the subscription is open', async () => {
  const events = await open(start())
  const pages = createOperationPages(createPageTurns(createScheduling()), alice.subject)
  const page = new WeakRef(await requestPage(events, (read) => pages.read(100, read)))
  pages.end()
  // A WeakRef keeps its target until the tick in which it was created has ended.
  await nextTick()
  collectGarbage()
  expect(page.deref()).toBeUndefined()
  // Both are used until here, so that they are not collected before.
  await events.return?.()
  await expect(pages.read(1, async () => null)).rejects.toThrow('has ended')
})
