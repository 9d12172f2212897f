/** Lists, nodes and access control. */
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
  watchToEnd,
} from '../kit/operations.ts'

const page = z.object({
  uploads: z.object({
    totalCount: z.number(),
    nodes: z.array(z.object({ id: z.string(), uid: z.string() })),
    edges: z.array(z.object({ cursor: z.string(), node: z.object({ uid: z.string() }) })),
    pageInfo: z.object({
      hasNextPage: z.boolean(),
      hasPreviousPage: z.boolean(),
      startCursor: z.string().nullable(),
      endCursor: z.string().nullable(),
    }),
  }),
})

async function list(caller: Caller, variables: object = {}) {
  const { uploads } = await caller.request(
    page,
    /* GraphQL */ `
      query ($first: Int, $after: String, $last: Int, $before: String, $filter: UploadFilter) {
        uploads(first: $first, after: $after, last: $last, before: $before, filter: $filter) {
          totalCount
          nodes {
            id
            uid
          }
          edges {
            cursor
            node {
              uid
            }
          }
          pageInfo {
            hasNextPage
            hasPreviousPage
            startCursor
            endCursor
          }
        }
      }
    `,
    variables,
  )
  return { ...uploads, uids: uploads.nodes.map((node) => node.uid) }
}

async function mintMany(caller: Caller, count: number): Promise<string[]> {
  const uids: string[] = []
  for (let index = 0; index < count; index += 1) {
    uids.push(expectMinted(await createDirectUpload(caller)).uid)
  }
  return uids.toReversed()
}

describe('the list of uploads', () => {
  it('leaves deleted uploads out unless the filter names DELETED', async () => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    const ada = gateway.as(await tokenFor('ada'))
    const root = gateway.as(await tokenFor('root', { scope: 'uploads:admin' }))
    const [third = '', second = '', first = ''] = await mintMany(ada, 3)
    await deleteUpload(ada, second)
    const deleted = { status: ['DELETED'] }
    for (const caller of [ada, root]) {
      expect(await list(caller)).toMatchObject({ uids: [third, first], totalCount: 2 })
      expect((await list(caller, { last: 1 })).pageInfo.hasPreviousPage).toBe(true)
      expect(await list(caller, { last: 2 })).toMatchObject({
        uids: [third, first],
        pageInfo: { hasPreviousPage: false },
      })
      expect((await list(caller, { filter: { protocol: 'BASIC' } })).totalCount).toBe(2)
      expect((await list(caller, { filter: { status: [] } })).totalCount).toBe(0)
      expect(await list(caller, { filter: deleted })).toMatchObject({
        uids: [second],
        totalCount: 1,
      })
      const all = { status: ['DELETED', 'PENDING_UPLOAD'] }
      expect((await list(caller, { filter: all })).uids).toEqual([third, second, first])
    }
    const others = gateway.as(await tokenFor('bob'))
    expect((await list(others, { filter: { ...deleted, creator: 'ada' } })).uids).toEqual([])
  })

  it('paginates forward from the newest and backward from the oldest', async () => {
    const gateway = await startTestGateway()
    const caller = gateway.as()
    const newestFirst = await mintMany(caller, 25)

    const whole = await list(caller)
    expect(whole.uids).toEqual(newestFirst.slice(0, 20))
    expect(whole.edges.map((edge) => edge.node.uid)).toEqual(whole.uids)
    expect(whole.totalCount).toBe(25)

    const first = await list(caller, { first: 10 })
    const second = await list(caller, { first: 10, after: first.pageInfo.endCursor })
    // Cursors of earlier releases.
    const encoded = btoa(first.pageInfo.endCursor ?? '')
    expect(await list(caller, { first: 10, after: encoded })).toEqual(second)
    const cursors = whole.edges.map(({ cursor }) => cursor)
    expect(cursors).toEqual(cursors.toSorted().toReversed())
    const third = await list(caller, { first: 10, after: second.pageInfo.endCursor })
    expect([...first.uids, ...second.uids, ...third.uids]).toEqual(newestFirst)
    expect([first, second, third].map((part) => part.pageInfo.hasNextPage)).toEqual([
      true,
      true,
      false,
    ])
    expect([first, second].map((part) => part.pageInfo.hasPreviousPage)).toEqual([false, true])

    const oldest = await list(caller, { last: 10 })
    expect(oldest.uids).toEqual(newestFirst.slice(15))
    expect(oldest.pageInfo).toMatchObject({ hasPreviousPage: true, hasNextPage: false })
    const older = await list(caller, { last: 10, before: oldest.pageInfo.startCursor })
    expect(older.uids).toEqual(newestFirst.slice(5, 15))

    const between = await list(caller, {
      first: 100,
      after: first.pageInfo.startCursor,
      before: first.pageInfo.endCursor,
    })
    expect(between.uids).toEqual(newestFirst.slice(1, 9))
  })

  it('rejects invalid arguments with the allowed values', async () => {
    const gateway = await startTestGateway()
    const caller = gateway.as()
    await expect(list(caller, { first: 101 })).rejects.toThrow('`first` must be from 1 to 100.')
    await expect(list(caller, { last: 0 })).rejects.toThrow('`last` must be from 1 to 100.')
    await expect(list(caller, { first: 1, last: 1 })).rejects.toThrow('not both')
    await expect(list(caller, { after: 'nonsense' })).rejects.toThrow('`after` must be a cursor')
  })

  it('filters by status, protocol and time', async () => {
    const gateway = await startTestGateway()
    const caller = gateway.as()
    const before = new Date(Date.now() - 1000)
    const ready = expectMinted(await createDirectUpload(caller))
    await postFile(ready.uploadURL, testcardFile())
    await watchToEnd(caller, ready.uid)
    const tus = expectMinted(await createTusUpload(caller, { sizeBytes: 5 }))
    const deleted = expectMinted(await createDirectUpload(caller))
    await deleteUpload(caller, deleted.uid)

    const filtered = async (filter: object) => (await list(caller, { filter })).uids
    expect(await filtered({ status: ['READY'] })).toEqual([ready.uid])
    expect(await filtered({ status: ['DELETED', 'READY'] })).toEqual([deleted.uid, ready.uid])
    expect(await filtered({ status: [] })).toEqual([])
    expect(await filtered({ protocol: 'TUS' })).toEqual([tus.uid])
    expect(await filtered({ createdAfter: before })).toHaveLength(2)
    expect(await filtered({ createdBefore: before })).toEqual([])
    expect(await filtered({ protocol: 'BASIC', status: ['PENDING_UPLOAD'] })).toEqual([])
  })
})

describe('node and nodes', () => {
  it('return an upload by its id and null for an invalid id', async () => {
    const gateway = await startTestGateway()
    const caller = gateway.as()
    const [uid = ''] = await mintMany(caller, 1)
    const { nodes } = await list(caller)
    const id = nodes[0]?.id ?? ''
    const shape = z.object({
      node: z.object({ __typename: z.literal('Upload'), id: z.string(), uid: z.string() }),
      nodes: z.array(z.object({ id: z.string() }).nullable()),
    })
    const result = await caller.request(
      shape,
      'query ($id: ID!, $ids: [ID!]!) { node(id: $id) { __typename id ... on Upload { uid } } nodes(ids: $ids) { id } }',
      { id, ids: [id, 'nonsense', btoa('Upload:0000'), btoa('Video:x')] },
    )
    expect(result.node).toEqual({ __typename: 'Upload', id, uid })
    expect(result.nodes).toEqual([{ id }, null, null, null])
  })
})

describe("another creator's upload", () => {
  it('looks like an unknown upload in every field', async () => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    const ada = gateway.as(await tokenFor('ada'))
    const bob = gateway.as(await tokenFor('bob'))
    const admin = gateway.as(await tokenFor('root', { scope: 'x uploads:admin' }))
    const { uid } = expectMinted(await createDirectUpload(ada))
    const id = btoa(`Upload:${uid}`)

    const shape = z.object({
      upload: z.object({ creator: z.string(), uploadURL: z.string().nullable() }).nullable(),
      node: z.object({ id: z.string() }).nullable(),
      nodes: z.array(z.object({ id: z.string() }).nullable()),
      uploads: z.object({ totalCount: z.number() }),
    })
    const document =
      'query ($uid: ID!, $id: ID!) { upload(uid: $uid) { creator uploadURL } node(id: $id) { id } nodes(ids: [$id]) { id } uploads(filter: { creator: "ada" }) { totalCount } }'
    const notFound = { upload: null, node: null, nodes: [null], uploads: { totalCount: 0 } }
    expect(await bob.request(shape, document, { uid, id })).toEqual(notFound)
    expect(await deleteUpload(bob, uid)).toEqual(await deleteUpload(bob, '0'.repeat(32)))
    await expect(watchToEnd(bob, uid)).rejects.toThrow('UPLOAD_NOT_FOUND')

    const ownResult = await ada.request(shape, document, { uid, id })
    expect(ownResult).toMatchObject({ upload: { creator: 'ada' }, uploads: { totalCount: 1 } })
    expect(ownResult.upload?.uploadURL).toMatch(/^http/)
    const adminResult = await admin.request(shape, document, { uid, id })
    expect(adminResult).toMatchObject({
      upload: { creator: 'ada', uploadURL: null },
      uploads: { totalCount: 1 },
    })
  })

  it('can be created by administrators only', async () => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    const bob = gateway.as(await tokenFor('bob'))
    const admin = gateway.as(await tokenFor('root', { scope: 'uploads:admin' }))
    expect(await createDirectUpload(bob, { creator: 'ada' })).toMatchObject({
      __typename: 'ForbiddenError',
    })
    expectMinted(await createDirectUpload(bob, { creator: 'bob' }))
    expectMinted(await createDirectUpload(admin, { creator: 'ada' }))
    const { videos } = await gateway.emulator.state()
    expect(new Set(videos.map((video) => video.creator))).toEqual(new Set(['ada', 'bob']))
  })
})
