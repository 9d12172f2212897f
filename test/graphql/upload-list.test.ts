/** `uploadList` sends the list, then its changes: applied in order, they give what a query gives. */
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type Caller, TEST_SECRET, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { testcardFile } from '../kit/media.ts'
import {
  createDirectUpload,
  createTusUpload,
  deleteUpload,
  expectMinted,
  postFile,
} from '../kit/operations.ts'

const edge = z.object({
  cursor: z.string(),
  node: z.object({ uid: z.string(), status: z.string(), version: z.number() }),
})
const connection = z.object({
  edges: z.array(edge),
  pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() }),
})
const event = z.object({
  uploadList: z.object({
    page: connection.nullable(),
    changed: edge.nullable(),
    isListed: z.boolean(),
  }),
})
const EDGE = '{ cursor node { uid status version } }'
const PAGE = `{ edges ${EDGE} pageInfo { hasNextPage endCursor } }`
const LIST = `subscription ($first: Int, $filter: UploadFilter) {
  uploadList(first: $first, filter: $filter) { page ${PAGE} changed ${EDGE} isListed }
}`

async function* watchList(caller: Caller, variables: Record<string, unknown> = {}) {
  for await (const { uploadList } of caller.watch(event, LIST, variables)) yield uploadList
}

/** Reads events until one of them satisfies the condition, which must come. */
async function readUntil<T>(events: AsyncIterator<T>, isLast: (event: T) => boolean): Promise<T> {
  for (;;) {
    const { done, value } = await events.next()
    if (done === true) throw new Error('The subscription has completed.')
    if (isLast(value)) return value
  }
}

/** Sends the first 5 MiB to a tus URL. */
async function patchFirstBytes(uploadURL: string): Promise<void> {
  const headers = {
    'tus-resumable': '1.0.0',
    'upload-offset': '0',
    'content-type': 'application/offset+octet-stream',
  }
  const body = new Uint8Array(5_242_880)
  expect((await fetch(uploadURL, { method: 'PATCH', headers, body })).status).toBe(204)
}

it('shows the bytes of a tus upload that no client watches within a minute', async () => {
  const gateway = await startTestGateway()
  const caller = gateway.as()
  const { uid, uploadURL } = expectMinted(await createTusUpload(caller, { sizeBytes: 12_000_000 }))
  await patchFirstBytes(uploadURL)
  const uploads = z.object({
    uploads: z.object({
      nodes: z.array(
        z.object({ uid: z.string(), progress: z.object({ receivedBytes: z.number().nullable() }) }),
      ),
    }),
  })
  const query = '{ uploads { nodes { uid progress { receivedBytes } } } }'
  let waited = 0
  await expect
    .poll(async () => {
      if (waited < 60) gateway.clock.advance(5)
      waited += 5
      return (await caller.request(uploads, query)).uploads.nodes
    })
    .toEqual([{ uid, progress: { receivedBytes: 5_242_880 } }])
})

describe('uploadList', () => {
  it('sends the newest uploads first, then each change with its effect and place', async () => {
    const gateway = await startTestGateway()
    const caller = gateway.as()
    const uids: string[] = []
    for (let index = 0; index < 3; index += 1)
      uids.push(expectMinted(await createDirectUpload(caller)).uid)
    const events = watchList(caller, { first: 2 })
    const { value: first } = await events.next()
    expect(first).toMatchObject({ changed: null, isListed: true })
    expect(first?.page?.edges.map(({ node }) => node.uid)).toEqual([uids[2], uids[1]])
    expect(first?.page?.pageInfo).toEqual({
      hasNextPage: true,
      endCursor: first?.page?.edges[1]?.cursor,
    })

    const minted = expectMinted(await createDirectUpload(caller))
    const { value: added } = await events.next()
    expect(added).toMatchObject({
      page: null,
      isListed: true,
      changed: { node: { uid: minted.uid, status: 'PENDING_UPLOAD' } },
    })
    const cursors = [
      added?.changed?.cursor ?? '',
      ...(first?.page?.edges.map(({ cursor }) => cursor) ?? []),
    ]
    expect(cursors).toEqual(cursors.toSorted().toReversed())

    await postFile(minted.uploadURL, testcardFile())
    await readUntil(events, ({ changed }) => changed?.node.status === 'READY')
    await deleteUpload(caller, uids[0] ?? '')
    const deleted = await readUntil(events, ({ isListed }) => !isListed)
    expect(deleted.changed?.node).toMatchObject({ uid: uids[0], status: 'DELETED' })
    await events.return()
  })

  it('reports an upload that leaves or enters a filter of statuses', async () => {
    const gateway = await startTestGateway()
    const caller = gateway.as()
    const { uid, uploadURL } = expectMinted(await createDirectUpload(caller))
    const pending = watchList(caller, { filter: { status: ['PENDING_UPLOAD'] } })
    const ready = watchList(caller, { filter: { status: ['READY'], protocol: 'BASIC' } })
    const tus = watchList(caller, { filter: { protocol: 'TUS' } })
    expect((await pending.next()).value?.page?.edges).toHaveLength(1)
    expect((await ready.next()).value?.page?.edges).toEqual([])
    expect((await tus.next()).value?.page?.edges).toEqual([])
    await postFile(uploadURL, testcardFile())
    expect((await readUntil(pending, () => true)).isListed).toBe(false)
    const entered = await readUntil(ready, ({ isListed }) => isListed)
    expect(entered.changed?.node).toMatchObject({ uid, status: 'READY' })
    await Promise.all([pending.return(), ready.return()])
    await gateway.stop()
    await expect(tus.next()).rejects.toThrow('Connection closed')
  })

  it('shows each caller its own list, and an administrator that of a creator', async () => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    const ada = gateway.as(await tokenFor('ada'))
    const bob = gateway.as(await tokenFor('bob'))
    const root = gateway.as(await tokenFor('root', { scope: 'uploads:admin' }))
    const lists = [
      watchList(bob),
      watchList(bob, { filter: { creator: 'ada' } }),
      watchList(root, { filter: { creator: 'bob' } }),
    ] as const
    for (const list of lists) expect((await list.next()).value?.page?.edges).toEqual([])
    expectMinted(await createDirectUpload(ada))
    const { uid } = expectMinted(await createDirectUpload(bob))
    for (const list of [lists[0], lists[2]])
      expect((await list.next()).value?.changed?.node.uid).toBe(uid)
    gateway.clock.advance(3601)
    for (const list of lists) await expect(list.next()).rejects.toThrow('Connection closed')
  })

  it('gives each of many subscribers of one operation the page as it is then', async () => {
    const gateway = await startTestGateway()
    const caller = gateway.as()
    for (let count = 0; count < 6; count += 1) {
      const list = watchList(caller)
      const { value } = await list.next()
      expect(value?.page?.edges).toHaveLength(count)
      expectMinted(await createDirectUpload(caller))
      expect((await list.next()).value?.changed?.node.version).toBe(1)
    }
  })

  it('misses no upload that is created while the page is read', async () => {
    const gateway = await startTestGateway()
    const caller = gateway.as()
    const created: Promise<string>[] = []
    const seen = await Promise.all(
      Array.from({ length: 10 }, async () => {
        created.push(createDirectUpload(caller).then((outcome) => expectMinted(outcome).uid))
        const list = watchList(caller)
        const uids = new Set<string>()
        while (uids.size < 10) {
          const { value } = await list.next()
          for (const { node } of value?.page?.edges ?? []) uids.add(node.uid)
          if (value?.changed) uids.add(value.changed.node.uid)
        }
        await list.return()
        return uids
      }),
    )
    const all = new Set(await Promise.all(created))
    for (const uids of seen) expect(uids).toEqual(all)
  })

  it('reports the bytes of a tus upload while they arrive from another client', async () => {
    const gateway = await startTestGateway()
    const caller = gateway.as()
    const { uid, uploadURL } = expectMinted(
      await createTusUpload(caller, { sizeBytes: 12_000_000 }),
    )
    const list = watchList(caller)
    expect((await list.next()).value?.page?.edges).toHaveLength(1)
    await patchFirstBytes(uploadURL)
    gateway.clock.advance(2)
    const { changed } = await readUntil(list, () => true)
    expect(changed?.node).toMatchObject({ uid, status: 'UPLOADING', version: 2 })
    await list.return()
  })

  it('rejects a page size above the limit', async () => {
    const gateway = await startTestGateway()
    await expect(watchList(gateway.as(), { first: 101 }).next()).rejects.toThrow('from 1 to 100')
  })
})
