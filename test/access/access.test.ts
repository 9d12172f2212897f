/** Who may do what: every operation and door, with everything that a caller may show. */
import { afterAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type Caller, type TestGateway, TEST_SECRET, startTestGateway } from '../kit/gateway.ts'
import { createDirectUpload, expectMinted } from '../kit/operations.ts'
import {
  type Attempt,
  type Target,
  byGet,
  byPost,
  byRequest,
  bySocket,
  bySse,
  byTus,
} from './attempts.ts'
import { SHARED_SUBSCRIPTION, ISSUER, type Role, startProvider } from './credentials.ts'

interface Row {
  readonly name: string
  readonly attempt: Attempt
  /** What comes of it, by who tries. */
  readonly outcomes: Readonly<Record<Role, string>>
}

const UNAUTHENTICATED = '401 UNAUTHENTICATED'

/** Whoever has no good token is turned away; the others in order: other user, owner, administrator. */
function row(
  name: string,
  attempt: Attempt,
  [other, owner, administrator]: readonly [string, string, string],
  stranger = UNAUTHENTICATED,
): Row {
  return { name, attempt, outcomes: { stranger, other, owner, administrator } }
}

/** The same for everybody, with or without a token. */
function open(name: string, attempt: Attempt, outcome: string): Row {
  return row(name, attempt, [outcome, outcome, outcome], outcome)
}

const find = ({ uid }: Target): string => `{ upload(uid: "${uid}") { uid uploadURL } }`
const remove = ({ uid }: Target): string =>
  `mutation { deleteUpload(uid: "${uid}") { __typename } }`
const watch = ({ uid }: Target): string => `subscription { uploadStatus(uid: "${uid}") { uid } }`
const watchAll = (): string => 'subscription { uploadsChanged { creator } }'
const mint = (kind: 'Direct' | 'Tus', more: string): string =>
  `mutation { create${kind}Upload(input: { maxDurationSeconds: 60 ${more} }) { __typename ... on Create${kind}UploadSuccess { upload { creator } } } }`

/** The owner mints one, and then whoever tries: the first that is seen says which are shown. */
async function provoke(target: Target, token: string | null): Promise<void> {
  await target.mintAsOwner()
  await createDirectUpload(target.gateway.as(token ?? undefined)).catch(() => null)
}

const mine = '{"upload":{"uid":"UID","uploadURL":"URL"}}'
const theirs = '{"upload":{"uid":"UID","uploadURL":null}}'
const seen = '{"uploadStatus":{"uid":"UID"}}'
const changedBy = (creator: string): string => `{"uploadsChanged":{"creator":"${creator}"}}`
const minted = (kind: 'Direct' | 'Tus', creator: string): string =>
  `{"create${kind}Upload":{"__typename":"Create${kind}UploadSuccess","upload":{"creator":"${creator}"}}}`
const typed = (field: string, name: string): string => `{"${field}":{"__typename":"${name}"}}`
const anybody = (outcome: string): readonly [string, string, string] => [outcome, outcome, outcome]

const rows: readonly Row[] = [
  row('upload', byPost(find), ['{"upload":null}', mine, theirs]),
  row('upload by GET', byGet(find), ['{"upload":null}', mine, theirs]),
  row('upload over WebSocket', bySocket(find), ['{"upload":null}', mine, theirs], 'closed 4403'),
  row(
    'node',
    byPost(({ id }) => `{ node(id: "${id}") { id } }`),
    ['{"node":null}', '{"node":{"id":"ID"}}', '{"node":{"id":"ID"}}'],
  ),
  row(
    'nodes',
    byPost(({ id }) => `{ nodes(ids: ["${id}"]) { id } }`),
    ['{"nodes":[null]}', '{"nodes":[{"id":"ID"}]}', '{"nodes":[{"id":"ID"}]}'],
  ),
  row(
    'uploads',
    byPost(
      () =>
        '{ uploads(filter: { status: PENDING_UPLOAD }) { totalCount nodes { uid uploadURL } } }',
    ),
    [
      '{"uploads":{"totalCount":0,"nodes":[]}}',
      '{"uploads":{"totalCount":1,"nodes":[{"uid":"UID","uploadURL":"URL"}]}}',
      '{"uploads":{"totalCount":1,"nodes":[{"uid":"UID","uploadURL":null}]}}',
    ],
  ),
  row(
    'uploads of a creator',
    byPost(() => '{ uploads(filter: { status: PENDING_UPLOAD, creator: "ada" }) { totalCount } }'),
    [
      '{"uploads":{"totalCount":0}}',
      '{"uploads":{"totalCount":1}}',
      '{"uploads":{"totalCount":1}}',
    ],
  ),
  row(
    'storageUsage',
    byPost(() => '{ storageUsage { limitMinutes } }'),
    anybody('{"storageUsage":{"limitMinutes":1000}}'),
  ),
  row(
    'recommendedProtocol',
    byPost(() => '{ recommendedProtocol(sizeBytes: 1) { protocol } }'),
    anybody('{"recommendedProtocol":{"protocol":"BASIC"}}'),
  ),
  row(
    'introspection',
    byPost(() => '{ __schema { __typename } }'),
    anybody('{"__schema":{"__typename":"__Schema"}}'),
  ),
  row(
    'createDirectUpload',
    byPost(() => mint('Direct', '')),
    [minted('Direct', 'bob'), minted('Direct', 'ada'), minted('Direct', 'root')],
  ),
  row(
    'createTusUpload',
    byPost(() => mint('Tus', 'sizeBytes: 1')),
    [minted('Tus', 'bob'), minted('Tus', 'ada'), minted('Tus', 'root')],
  ),
  row(
    'createDirectUpload for ada',
    byPost(() => mint('Direct', 'creator: "ada"')),
    [
      typed('createDirectUpload', 'ForbiddenError'),
      minted('Direct', 'ada'),
      minted('Direct', 'ada'),
    ],
  ),
  row(
    'createTusUpload for ada',
    byPost(() => mint('Tus', 'sizeBytes: 1, creator: "ada"')),
    [typed('createTusUpload', 'ForbiddenError'), minted('Tus', 'ada'), minted('Tus', 'ada')],
  ),
  row('deleteUpload', byPost(remove), [
    typed('deleteUpload', 'UploadNotFoundError'),
    typed('deleteUpload', 'DeleteUploadSuccess'),
    typed('deleteUpload', 'DeleteUploadSuccess'),
  ]),
  row(
    'deleteUpload over WebSocket',
    bySocket(remove),
    [
      typed('deleteUpload', 'UploadNotFoundError'),
      typed('deleteUpload', 'DeleteUploadSuccess'),
      typed('deleteUpload', 'DeleteUploadSuccess'),
    ],
    'closed 4403',
  ),
  row('uploadStatus over SSE', bySse(watch), ['UPLOAD_NOT_FOUND', seen, seen]),
  row(
    'uploadStatus over WebSocket',
    bySocket(watch),
    ['UPLOAD_NOT_FOUND', seen, seen],
    'closed 4403',
  ),
  row('uploadsChanged over SSE', bySse(watchAll, provoke), [
    changedBy('bob'),
    changedBy('ada'),
    changedBy('ada'),
  ]),
  row(
    'uploadsChanged over WebSocket',
    bySocket(watchAll, provoke),
    [changedBy('bob'), changedBy('ada'), changedBy('ada')],
    'closed 4403',
  ),
  row('POST /tus', byTus, anybody('201 with a Location'), '401'),
  open('OPTIONS /tus', byRequest('/tus', { method: 'OPTIONS' }), '204'),
  open('GraphiQL', byRequest('/graphql', { headers: { accept: 'text/html' } }), '200'),
  open('a notice without signature', byRequest('/webhooks/stream', { method: 'POST' }), '401'),
  open('/', byRequest('/'), '200'),
  open('/healthz', byRequest('/healthz'), '200'),
  open('/readyz', byRequest('/readyz'), '200'),
  open('/metrics', byRequest('/metrics'), '200'),
]

function tokenOf(wanted: string): string {
  return credentials.find(({ name }) => name === wanted)?.token ?? ''
}

const idOf = z.object({ uploads: z.object({ nodes: z.tuple([z.object({ id: z.string() })]) }) })

async function prepare(gateway: TestGateway, ownerToken: string): Promise<Target> {
  const owner = gateway.as(ownerToken)
  const mintAsOwner = async () => expectMinted(await createDirectUpload(owner))
  const { uid, uploadURL } = await mintAsOwner()
  const { uploads } = await owner.ask(idOf, '{ uploads(first: 1) { nodes { id } } }')
  return {
    gateway,
    uid,
    uploadURL,
    id: uploads.nodes[0].id,
    mintAsOwner: async () => (await mintAsOwner()).uid,
  }
}

const pending = z.object({ uploads: z.object({ nodes: z.array(z.object({ uid: z.string() })) }) })

/** Leaves nothing of one cell to the next. */
async function clear(administrator: Caller): Promise<void> {
  const { uploads } = await administrator.ask(
    pending,
    '{ uploads(filter: { status: PENDING_UPLOAD }) { nodes { uid } } }',
  )
  const deletions = uploads.nodes.map(
    ({ uid }, index) => `a${index}: deleteUpload(uid: "${uid}") { __typename }`,
  )
  if (deletions.length > 0)
    await administrator.ask(z.unknown(), `mutation { ${deletions.join(' ')} }`)
}

const provider = await startProvider()
const { jwksURL, credentials } = provider
afterAll(() => provider.stop())

describe('access', () => {
  it.each(rows)('$name', async ({ attempt, outcomes }) => {
    const gateway = await startTestGateway({
      AUTH_JWT_SECRET: TEST_SECRET,
      AUTH_JWKS_URL: jwksURL,
      AUTH_ISSUER: ISSUER,
      AUTH_AUDIENCE: SHARED_SUBSCRIPTION,
    })
    const administrator = gateway.as(tokenOf('administrator'))
    const results: [string, string][] = []
    for (const { name, token } of credentials) {
      results.push([name, await attempt(await prepare(gateway, tokenOf('owner')), token)])
      await clear(administrator)
    }
    expect(results).toEqual(credentials.map(({ name, role }) => [name, outcomes[role]]))
  })

  it('covers every field of Query, Mutation and Subscription', async () => {
    const { schema } = await import('../../src/graphql/schema.ts')
    const fields = [
      schema.getQueryType(),
      schema.getMutationType(),
      schema.getSubscriptionType(),
    ].flatMap((type) => Object.keys(type?.getFields() ?? {}))
    expect(
      fields.filter((field) => !rows.some(({ name }) => name.split(' ')[0] === field)),
    ).toEqual([])
  })

  it('says of what is not yours the very words that it says of what is not there', async () => {
    const gateway = await startTestGateway({ AUTH_JWKS_URL: jwksURL, AUTH_JWT_SECRET: TEST_SECRET })
    const target = await prepare(gateway, tokenOf('owner'))
    const nowhere = { ...target, uid: 'f'.repeat(32), id: btoa(`Upload:${'f'.repeat(32)}`) }
    for (const attempt of [
      byPost(find),
      byPost(({ id }) => `{ node(id: "${id}") { id } nodes(ids: ["${id}"]) { id } }`),
      byPost(
        ({ uid }) =>
          `mutation { deleteUpload(uid: "${uid}") { __typename ... on Error { code message } ... on UploadNotFoundError { uid } } }`,
      ),
      bySse(watch),
      bySocket(watch),
    ]) {
      expect(await attempt(target, tokenOf('other user'))).toBe(
        await attempt(nowhere, tokenOf('other user')),
      )
    }
  })
})
