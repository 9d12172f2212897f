/** The hooks that show uploads, lists and videos, in StrictMode in Chromium, with each supported version of React. */
import { beforeAll, describe, expect, it } from 'vitest'
import { describeInChromium } from '../browser/kit/chromium.ts'
import { hasNoPackages, packagesHint } from '../browser/kit/frontend.ts'
import { type TestGateway, TEST_SECRET, tokenFor } from '../kit/gateway.ts'
import { createDirectUpload, deleteUpload, expectMinted, postFile } from '../kit/operations.ts'
import { testcardFile } from '../kit/media.ts'
import { uploadVideo } from '../playback/kit.ts'
import { REACT_VERSIONS, bundlePage, openReactPage, reactVersionOf } from './kit.ts'
import { PAGE } from './page.ts'

async function mint(gateway: TestGateway, name: string, token?: string) {
  return expectMinted(await createDirectUpload(gateway.as(token), { name }))
}

/** Mints uploads with these names, the oldest first; returns their uids. */
async function mintAll(gateway: TestGateway, ...names: readonly string[]): Promise<string[]> {
  const uids: string[] = []
  for (const name of names) uids.push((await mint(gateway, name)).uid)
  return uids
}

const names = (count: number) => Array.from({ length: count }, (_none, index) => `v${index + 1}`)

describeInChromium(`headgate/react${packagesHint}`, () => {
  describe.skipIf(hasNoPackages).each(REACT_VERSIONS)('with React $major', (version) => {
    let script = ''
    beforeAll(async () => {
      script = await bundlePage(version, PAGE)
    })
    const open = (variables: Readonly<Record<string, string>> = {}) =>
      openReactPage(script, variables)

    it('shows an upload until it is READY, and its deletion', async () => {
      const opened = await open({ EMULATOR_ENCODE_MS: '0' })
      const { gateway, call, untilShown, url, errors } = opened
      expect(await reactVersionOf(opened)).toBe(version.major)
      const { uid, uploadURL } = await mint(gateway, 'film')
      await call('mount', { url }, 'Upload', { uid })
      await untilShown('upload', 'film PENDING_UPLOAD live')
      await postFile(uploadURL, testcardFile())
      await untilShown('upload', 'film READY live')
      expect(await call('remove', uid)).toBe('DELETED')
      await untilShown('upload', 'film DELETED live')
      expect(errors()).toEqual([])
    })

    it('opens one subscription for ten components on one upload, and for a list', async () => {
      const { gateway, call, untilShown, url, operations, subscriptions, errors } = await open()
      const [uid = ''] = await mintAll(gateway, 'film')
      await call('mount', { url }, 'Rows', { uids: [uid], each: 10 })
      await untilShown('row', Array(10).fill('film PENDING_UPLOAD live').join(' | '))
      expect(await subscriptions()).toBe(1)
      expect(operations).toEqual(['WatchList'])
      await call('update', { view: 'ListAndRows', props: { uids: [uid] } })
      await untilShown('list', 'film live')
      await untilShown('row', 'film PENDING_UPLOAD live')
      expect(await subscriptions()).toBe(1)
      expect(operations).toEqual(['WatchList'])
      await call('unmount')
      await expect.poll(subscriptions, { timeout: 10_000 }).toBe(0)
      expect(errors()).toEqual([])
    })

    it('leaves connections for other requests while it shows forty uploads', async () => {
      const { gateway, call, untilShown, url, subscriptions, errors } = await open()
      const uids = await mintAll(gateway, ...names(40))
      await call('mount', { url }, 'Rows', { uids })
      await untilShown(
        'row',
        names(40)
          .map((name) => `${name} PENDING_UPLOAD live`)
          .join(' | '),
      )
      expect(await subscriptions()).toBe(1)
      // The first one is far below the first page of the list.
      expect(await call('remove', uids[0])).toBe('DELETED')
      await untilShown('row', /^v1 DELETED live \| v2 PENDING_UPLOAD live/)
      expect(errors()).toEqual([])
    })

    it('reports an unknown upload, skips a null uid, and follows another uid', async () => {
      const { gateway, call, untilShown, url, subscriptions, errors } = await open()
      const [first, second] = await mintAll(gateway, 'first', 'second')
      await call('mount', { url }, 'Upload', { uid: null })
      await untilShown('upload', 'nothing')
      expect(await subscriptions()).toBe(0)
      await call('update', { props: { uid: '0'.repeat(32) } })
      await untilShown('upload', 'live UPLOAD_NOT_FOUND')
      await call('update', { props: { uid: first } })
      await untilShown('upload', 'first PENDING_UPLOAD live')
      await call('update', { props: { uid: second } })
      await untilShown('upload', 'second PENDING_UPLOAD live')
      await call('update', { props: { uid: null } })
      await untilShown('upload', 'nothing')
      await expect.poll(subscriptions, { timeout: 10_000 }).toBe(0)
      expect(errors()).toEqual([])
    })

    it('keeps the connection when a component is mounted again within a second', async () => {
      const { gateway, call, untilShown, url, operations, errors } = await open()
      const [uid] = await mintAll(gateway, 'film')
      await call('mount', { url }, 'Upload', { uid })
      await untilShown('upload', 'film PENDING_UPLOAD live')
      await call('unmount')
      await call('mount', { url, client: undefined }, 'List')
      await untilShown('list', 'film live')
      // Another provider has another client.
      expect(operations).toEqual(['WatchList', 'WatchList'])
      await call('update', { view: 'Upload', props: { uid } })
      await call('update', { view: 'List', props: {} })
      await call('update', { view: 'Upload', props: { uid } })
      await untilShown('upload', 'film PENDING_UPLOAD live')
      expect(operations).toEqual(['WatchList', 'WatchList'])
      expect(errors()).toEqual([])
    })

    it('can be unmounted at any time', async () => {
      const { gateway, page, call, url, subscriptions, errors } = await open()
      const uids = await mintAll(gateway, ...names(25))
      for (const waitMs of [0, 1, 5, 20, 50]) {
        await page.evaluate(
          `window.recipe.mount(...${JSON.stringify([{ url }, 'Rows', { uids }])});
           new Promise((resolve) => setTimeout(resolve, ${waitMs})).then(() => window.recipe.unmount())`,
        )
      }
      await expect.poll(subscriptions, { timeout: 10_000 }).toBe(0)
      await call('mount', { url }, 'Player', { uid: uids[0] })
      await call('unmount')
      expect(errors()).toEqual([])
    })

    it('works within a Suspense boundary', async () => {
      const { gateway, call, untilShown, url, operations, subscriptions, errors } = await open()
      const [uid = ''] = await mintAll(gateway, 'film')
      await call('mount', { url }, 'Suspended', { uid })
      await untilShown('fallback', 'waiting')
      // Nothing is requested for what is not shown.
      expect(operations).toEqual([])
      await call('resolve')
      await untilShown('lazy', 'loaded')
      await untilShown('upload', 'film PENDING_UPLOAD live')
      expect(await subscriptions()).toBe(1)
      await deleteUpload(gateway.as(), uid)
      await untilShown('upload', 'film DELETED live')
      expect(errors()).toEqual([])
    })

    it('shows a list with its filter, and adds older uploads', async () => {
      const { gateway, page, call, untilShown, url, errors } = await open()
      const uids = await mintAll(gateway, ...names(5))
      const filter = { status: ['PENDING_UPLOAD'] }
      await call('mount', { url }, 'List', { filter, options: { pageSize: 2 } })
      await untilShown('list', 'v5 v4 live')
      await page.getByRole('button', { name: 'More' }).click()
      await untilShown('list', 'v5 v4 v3 v2 live')
      await page.getByRole('button', { name: 'More' }).click()
      await untilShown('list', 'v5 v4 v3 v2 v1 live')
      expect(await page.getByRole('button', { name: 'More' }).count()).toBe(0)
      await deleteUpload(gateway.as(), uids[2] ?? '')
      await mintAll(gateway, 'v6')
      await untilShown('list', 'v6 v5 v4 v2 v1 live')
      await call('update', { props: { filter: { status: ['DELETED'] } } })
      await untilShown('list', 'v3 live')
      expect(errors()).toEqual([])
    })

    it('is complete after the network was cut', async () => {
      const { gateway, network, call, untilShown, url, errors } = await open()
      const [first = '', second = ''] = await mintAll(gateway, 'v1', 'v2')
      await call('mount', { url }, 'ListAndRows', { uids: [first, second] })
      await untilShown('list', 'v2 v1 live')
      await untilShown('row', 'v1 PENDING_UPLOAD live | v2 PENDING_UPLOAD live')
      network.cut()
      await untilShown('list', 'v2 v1 NETWORK')
      await untilShown('row', 'v1 PENDING_UPLOAD NETWORK | v2 PENDING_UPLOAD NETWORK')
      await deleteUpload(gateway.as(), first)
      await mintAll(gateway, 'v3')
      network.restore()
      await untilShown('list', 'v3 v2 live')
      await untilShown('row', 'v1 DELETED live | v2 PENDING_UPLOAD live')
      expect(errors()).toEqual([])
    })

    it('shows another user nothing of the one before', async () => {
      const { gateway, call, untilShown, url, errors } = await open({
        AUTH_JWT_SECRET: TEST_SECRET,
      })
      const [ada, grace] = [await tokenFor('ada'), await tokenFor('grace')]
      const { uid } = await mint(gateway, 'film of ada', ada)
      await call('mount', { url, token: ada }, 'ListAndRows', { uids: [uid] })
      await untilShown('list', 'film of ada live')
      await untilShown('row', 'film of ada PENDING_UPLOAD live')
      await call('update', { provider: { url, token: grace } })
      await untilShown('list', 'live')
      await untilShown('row', 'live UPLOAD_NOT_FOUND')
      await call('update', { provider: { url, token: 'none' } })
      await untilShown('list', 'UNAUTHENTICATED')
      await untilShown('row', 'UNAUTHENTICATED')
      expect(errors()).toEqual([])
    })

    it('renews the addresses of a private video, with one request for all its players', async () => {
      const { gateway, call, untilShown, url, page, operations, errors } = await open({
        EMULATOR_ENCODE_MS: '0',
      })
      const uid = await uploadVideo(gateway.as())
      let responses = 0
      page.on('requestfinished', (request) => {
        if (request.postData()?.includes('query Playback') === true) responses += 1
      })
      await call('useTestClock')
      await call('mount', { url }, 'Players', { uid })
      const players = () => page.getByTestId('player').allInnerTexts()
      await untilShown('player', /^http\S+ \| http\S+ \| http\S+$/)
      const before = await players()
      expect(operations).toEqual(['Playback'])
      // Stream's tokens are shared for half of their life, which is a day.
      for (let hour = 6; hour <= 24; hour += 6) {
        await gateway.emulator.advanceClock(6 * 3600)
        gateway.clock.advance(6 * 3600)
        await call('advance', 6 * 3600)
        await expect.poll(() => responses, { timeout: 10_000 }).toBe(1 + hour / 6)
      }
      await expect.poll(async () => (await players())[0], { timeout: 10_000 }).not.toBe(before[0])
      const after = await players()
      expect(new Set(after).size).toBe(1)
      expect((await fetch(before[0] ?? '')).status).toBe(401)
      expect((await fetch(after[0] ?? '')).status).toBe(200)
      expect(errors()).toEqual([])
    })

    it('requests the addresses again when the retries of the client failed', async () => {
      const { gateway, network, page, call, untilShown, url, errors } = await open({
        EMULATOR_ENCODE_MS: '0',
      })
      const uid = await uploadVideo(gateway.as())
      await page.clock.install()
      network.cut()
      await call('mount', { url, retries: 0 }, 'Player', { uid })
      await untilShown('player', 'NETWORK')
      network.restore()
      await page.clock.fastForward(31_000)
      await untilShown('player', /^http\S+$/)
      expect(errors()).toEqual([])
    })

    it('disconnects while its page is hidden, and is complete again when it is visible', async () => {
      const { gateway, call, untilShown, url, subscriptions, errors } = await open()
      const [first = ''] = await mintAll(gateway, 'v1', 'v2')
      await call('useTestClock')
      await call('mount', { url }, 'ListAndRows', { uids: [first] })
      await untilShown('list', 'v2 v1 live')
      await call('setHidden', true)
      await call('advance', 29)
      expect(await subscriptions()).toBe(1)
      await call('advance', 2)
      await expect.poll(subscriptions, { timeout: 10_000 }).toBe(0)
      await untilShown('list', 'v2 v1')
      await deleteUpload(gateway.as(), first)
      await call('setHidden', false)
      await untilShown('list', 'v2 live')
      await untilShown('row', 'v1 DELETED live')
      expect(errors()).toEqual([])
    })

    it('has no addresses of a video that cannot be played', async () => {
      const { gateway, call, untilShown, url, errors } = await open({ EMULATOR_ENCODE_MS: '0' })
      const [uid] = await mintAll(gateway, 'pending')
      const ready = await uploadVideo(gateway.as(), {})
      await call('mount', { url }, 'Player', { uid })
      await untilShown('player', 'nothing')
      await call('update', { props: { uid: null } })
      await untilShown('player', 'nothing')
      await call('update', { props: { uid: ready } })
      await untilShown('player', /^http\S+$/)
      await call('update', { props: { uid: ready, options: { ttlSeconds: 1 } } })
      await untilShown('player', 'GATEWAY_FAILED')
      expect(errors()).toEqual([])
    })
  })
})
