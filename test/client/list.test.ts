/** `createUploadList`: a live list of uploads. */
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  type Upload,
  type UploadList,
  UploadError,
  createUploadList,
} from '../../src/client/client.ts'
import { type TestGateway, TEST_SECRET, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { scrape } from '../kit/metrics.ts'
import { startNetwork } from '../kit/network.ts'
import { createDirectUpload, deleteUpload, expectMinted } from '../kit/operations.ts'
import { uploadVideo } from '../playback/kit.ts'
import { clientOf, withAdvancingClock } from './kit.ts'

/** The platform's. */
const { fetch } = globalThis
const WAIT = { timeout: 10_000, interval: 5 }

/** Keeps the list connected until the test ends; records the changes that it reports. */
function open(list: UploadList) {
  const changes: (Upload | null)[] = []
  const close = list.subscribe((changed) => changes.push(changed))
  onTestFinished(close)
  const until = (expected: Partial<ReturnType<UploadList['getSnapshot']>>) =>
    vi.waitFor(() => expect(list.getSnapshot()).toMatchObject(expected), WAIT)
  const untilNamed = (...names: readonly string[]) =>
    vi.waitFor(() => expect(namesIn(list)).toEqual(names), WAIT)
  return { changes, close, until, untilNamed }
}

function namesIn(list: UploadList): readonly (string | null)[] {
  return list.getSnapshot().uploads.map(({ name }) => name)
}

/** Creates uploads with these names, the oldest first; returns their uids. */
async function mint(
  gateway: Pick<TestGateway, 'as'>,
  ...names: readonly string[]
): Promise<string[]> {
  const uids: string[] = []
  for (const name of names)
    uids.push(expectMinted(await createDirectUpload(gateway.as(), { name })).uid)
  return uids
}

async function openSubscriptions({ url }: Pick<TestGateway, 'url'>): Promise<number> {
  const scraped = await scrape(url)
  return scraped.all('headgate_subscriptions').reduce((total, { value }) => total + value, 0)
}

describe('a live list', () => {
  it('has the newest uploads, then each change', async () => {
    const gateway = await startTestGateway({ EMULATOR_ENCODE_MS: '0' })
    const [first = ''] = await mint(gateway, 'first', 'second')
    const list = createUploadList(clientOf(gateway))
    expect(list.getSnapshot()).toEqual({
      uploads: [],
      isLoading: true,
      isLive: false,
      hasMore: false,
      isLoadingMore: false,
      error: null,
    })
    const { until, untilNamed } = open(list)
    await untilNamed('second', 'first')
    await until({ isLoading: false, isLive: true, hasMore: false, error: null })
    const before = list.getSnapshot()
    await mint(gateway, 'third')
    await untilNamed('third', 'second', 'first')
    expect(before.uploads).toHaveLength(2)
    await deleteUpload(gateway.as(), first)
    await untilNamed('third', 'second')
    const ready = await uploadVideo(gateway.as(), { name: 'ready' })
    await vi.waitFor(() => {
      expect(list.getSnapshot().uploads[0]).toMatchObject({ uid: ready, status: 'READY' })
    }, WAIT)
  })

  it('contains only uploads that match its filter', async () => {
    const gateway = await startTestGateway({ EMULATOR_ENCODE_MS: '0' })
    const createdAfter = new Date(Date.now() - 60_000)
    const list = createUploadList(clientOf(gateway), { status: ['PENDING_UPLOAD'], createdAfter })
    const { untilNamed, changes } = open(list)
    const [uid = ''] = await mint(gateway, 'deleted', 'pending')
    await untilNamed('pending', 'deleted')
    await deleteUpload(gateway.as(), uid)
    await untilNamed('pending')
    expect(changes.at(-1)).toMatchObject({ uid, status: 'DELETED' })
  })

  it('adds older uploads on request, and reports changes beyond its end', async () => {
    const gateway = await startTestGateway()
    const [oldest = ''] = await mint(gateway, '1', '2', '3', '4', '5')
    const list = createUploadList(clientOf(gateway), {}, { pageSize: 2 })
    const { until, untilNamed, changes } = open(list)
    await untilNamed('5', '4')
    list.loadMore()
    await until({ isLoadingMore: true })
    list.loadMore()
    await untilNamed('5', '4', '3', '2')
    await until({ hasMore: true, isLoadingMore: false })
    await deleteUpload(gateway.as(), oldest)
    await vi.waitFor(() => expect(changes.at(-1)).toMatchObject({ uid: oldest }), WAIT)
    expect(namesIn(list)).toEqual(['5', '4', '3', '2'])
    list.loadMore()
    await until({ hasMore: false })
    expect(namesIn(list)).toEqual(['5', '4', '3', '2'])
    const { length } = changes
    list.loadMore()
    expect(changes).toHaveLength(length)
  })

  it('is complete after its network was cut', async () => {
    const gateway = await startTestGateway()
    const network = await startNetwork(gateway.url)
    const [oldest = '', second = ''] = await mint(gateway, '1', '2', '3', '4')
    const list = createUploadList(
      clientOf({ url: network.url, clock: gateway.clock }),
      {},
      { pageSize: 1 },
    )
    const { until, untilNamed } = open(list)
    await untilNamed('4')
    for (const count of [2, 3, 4]) {
      list.loadMore()
      await vi.waitFor(() => expect(namesIn(list)).toHaveLength(count), WAIT)
    }
    network.cut()
    await until({ isLive: false, isLoading: false, error: null })
    expect(namesIn(list)).toEqual(['4', '3', '2', '1'])
    await withAdvancingClock(gateway.clock, until({ isLive: false, hasMore: false }))
    await vi.waitFor(() => {
      gateway.clock.advance(1)
      expect(list.getSnapshot().error).toMatchObject({ code: 'NETWORK' })
    }, WAIT)
    await deleteUpload(gateway.as(), oldest)
    await deleteUpload(gateway.as(), second)
    await mint(gateway, '5')
    network.restore()
    await withAdvancingClock(gateway.clock, untilNamed('5', '4', '3'))
    await until({ isLive: true, error: null })
  })

  it('holds one subscription, from its first listener to its last', async () => {
    const gateway = await startTestGateway()
    const list = createUploadList(clientOf(gateway))
    expect(await openSubscriptions(gateway)).toBe(0)
    const first = open(list)
    const second = open(list)
    await first.until({ isLive: true })
    expect(await openSubscriptions(gateway)).toBe(1)
    first.close()
    await mint(gateway, 'a')
    await second.untilNamed('a')
    const received = first.changes.length
    second.close()
    expect(list.getSnapshot()).toMatchObject({ isLive: false, uploads: [{ name: 'a' }] })
    await vi.waitFor(async () => expect(await openSubscriptions(gateway)).toBe(0), WAIT)
    await mint(gateway, 'b')
    expect(first.changes).toHaveLength(received)
    const third = open(list)
    await third.untilNamed('b', 'a')
  })

  it('continues after its token expired, with a new one', async () => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    const expiry = Math.floor(Date.now() / 1000) + 60
    let token = await tokenFor('ada', { exp: expiry })
    const list = createUploadList(clientOf(gateway, { token: () => token }))
    const { until, untilNamed } = open(list)
    await until({ isLive: true })
    token = 'expired, and not renewed yet'
    gateway.clock.advance(70)
    await withAdvancingClock(gateway.clock, until({ isLive: false }))
    await vi.waitFor(() => {
      gateway.clock.advance(1)
      expect(list.getSnapshot().error).toMatchObject({ code: 'UNAUTHENTICATED' })
    }, WAIT)
    token = await tokenFor('ada', { exp: expiry + 3600 })
    await createDirectUpload(gateway.as(token), { name: 'later' })
    await withAdvancingClock(gateway.clock, untilNamed('later'))
    await until({ isLive: true, error: null })
  })

  it('reports why it cannot be read', async () => {
    const gateway = await startTestGateway()
    const tooLarge = createUploadList(clientOf(gateway), {}, { pageSize: 101 })
    await open(tooLarge).until({ isLoading: false, isLive: false })
    const { error } = tooLarge.getSnapshot()
    expect(error).toBeInstanceOf(UploadError)
    expect(error?.message).toMatch(/100/)

    const cause = new Error('signed out')
    const signedOut = createUploadList(clientOf(gateway, { token: () => Promise.reject(cause) }))
    await open(signedOut).until({ isLoading: false })
    expect(signedOut.getSnapshot().error).toMatchObject({ code: 'UNAUTHENTICATED', cause })
  })

  it('stays current when a listener throws, and reports the error as uncaught', async () => {
    const gateway = await startTestGateway()
    const uncaught: unknown[] = []
    const before = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.on('uncaughtException', (error) => uncaught.push(error))
    onTestFinished(() => {
      process.removeAllListeners('uncaughtException')
      for (const listener of before) process.on('uncaughtException', listener)
    })
    const list = createUploadList(clientOf(gateway))
    const bug = new Error('a bug of the page')
    const stop = list.subscribe(() => {
      throw bug
    })
    const { untilNamed } = open(list)
    await mint(gateway, 'a')
    await untilNamed('a')
    stop()
    await vi.waitFor(() => expect(uncaught).toContain(bug), WAIT)
  })
})

it('polls where the platform reads responses to their end', async () => {
  const gateway = await startTestGateway()
  const [uid = ''] = await mint(gateway, 'first')
  // Like the `fetch` of React Native, which responds at the end of a subscription.
  vi.stubGlobal('fetch', (input: string, init: RequestInit) => {
    const isStream = new Headers(init.headers).get('accept') === 'text/event-stream'
    return isStream ? new Promise(() => {}) : fetch(input, init)
  })
  const body = Object.getOwnPropertyDescriptor(Response.prototype, 'body') ?? {}
  Reflect.deleteProperty(Response.prototype, 'body')
  const client = clientOf(gateway)
  Object.defineProperty(Response.prototype, 'body', body)
  onTestFinished(() => void vi.unstubAllGlobals())
  const list = createUploadList(client)
  const { untilNamed } = open(list)
  await untilNamed('first')
  expect(list.getSnapshot()).toMatchObject({ isLoading: false, isLive: true, error: null })
  await deleteUpload(gateway.as(), uid)
  await withAdvancingClock(gateway.clock, untilNamed())
})
