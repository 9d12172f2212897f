/** Access control: the outcome of every operation and endpoint for every kind of credential. */
import { afterAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type Caller, type TestGateway, TEST_SECRET, startTestGateway } from '../kit/gateway.ts'
import { createDirectUpload, expectMinted } from '../kit/operations.ts'
import { uploadVideo } from '../playback/kit.ts'
import {
  type Attempt,
  type Target,
  byGet,
  byPost,
  byRequest,
  bySocket,
  bySse,
  byTus,
  onVideo,
} from './attempts.ts'
import { AUD, ISSUER, type Role, startProvider } from './credentials.ts'

interface Row {
  readonly name: string
  readonly attempt: Attempt
  /** Expected outcome by the caller's role. */
  readonly outcomes: Readonly<Record<Role, string>>
}

const UNAUTHENTICATED = '401 UNAUTHENTICATED'

/**
 * Outcomes of the other user, the owner and the administrator; callers without a valid token are rejected. A viewer,
 * with the scope `videos:play`, has the outcome of the other user unless another is given.
 */
function row(
  name: string,
  attempt: Attempt,
  [other, owner, administrator]: readonly [string, string, string],
  unauthenticated = UNAUTHENTICATED,
  viewer = other,
): Row {
  return { name, attempt, outcomes: { unauthenticated, other, viewer, owner, administrator } }
}

/** The viewer has the outcome of the owner. */
function rowOfPlayback(
  name: string,
  attempt: Attempt,
  [other, owner]: readonly [string, string],
  unauthenticated = UNAUTHENTICATED,
): Row {
  return row(name, attempt, [other, owner, owner], unauthenticated, owner)
}

/** One outcome for every caller, with or without a token. */
function sameForAll(name: string, attempt: Attempt, outcome: string): Row {
  return row(name, attempt, [outcome, outcome, outcome], outcome)
}

const find = ({ uid }: Target): string => `{ upload(uid: "${uid}") { uid uploadURL } }`
const remove = ({ uid }: Target): string =>
  `mutation { deleteUpload(uid: "${uid}") { __typename } }`
const rename = ({ uid }: Target): string =>
  `mutation { updateUpload(input: { uid: "${uid}", name: "a" }) { __typename } }`
const watch = ({ uid }: Target): string => `subscription { uploadStatus(uid: "${uid}") { uid } }`
const watchAll = (): string => 'subscription { uploadsChanged { creator } }'
const watchPending = (): string =>
  'subscription { uploadList(filter: { status: PENDING_UPLOAD }) { page { nodes { creator } } } }'
const mint = (kind: 'Direct' | 'Tus', more: string): string =>
  `mutation { create${kind}Upload(input: { maxDurationSeconds: 60 ${more} }) { __typename ... on Create${kind}UploadSuccess { upload { creator } } } }`
/** @param field of the mutation, up to its input */
const mintBySize = (field: string, more: string): string =>
  `mutation { ${field} { sizeBytes: 1, maxDurationSeconds: 60 ${more} }) { __typename ... on CreateDirectUploadSuccess { upload { creator } } } }`

/**
 * Creates an upload as the owner and then as the caller. The first event shows which uploads the
 * caller's subscription covers.
 */
async function createUploads(target: Target, token: string | null): Promise<void> {
  await target.createAsOwner()
  await createDirectUpload(target.gateway.as(token ?? undefined)).catch(() => null)
}

const ownUpload = '{"upload":{"uid":"UID","uploadURL":"URL"}}'
const uploadWithoutURL = '{"upload":{"uid":"UID","uploadURL":null}}'
const statusEvent = '{"uploadStatus":{"uid":"UID"}}'
const changedBy = (creator: string): string => `{"uploadsChanged":{"creator":"${creator}"}}`
const successOf = (kind: 'Direct' | 'Tus', creator: string): string =>
  `{"create${kind}Upload":{"__typename":"Create${kind}UploadSuccess","upload":{"creator":"${creator}"}}}`
const createdBySize = (field: 'createUpload' | 'createUploads', creator: string): string => {
  const success = `{"__typename":"CreateDirectUploadSuccess","upload":{"creator":"${creator}"}}`
  return `{"${field}":${field === 'createUpload' ? success : `[${success}]`}}`
}
const typenameOf = (field: string, name: string): string => `{"${field}":{"__typename":"${name}"}}`
const sameOutcome = (outcome: string): readonly [string, string, string] => [
  outcome,
  outcome,
  outcome,
]

const play = ({ uid }: Target): string => `{ playback(uid: "${uid}") { hlsURL } }`
const ADDRESSES = 'hlsURL dashURL previewURL thumbnailURL playback { hlsURL }'
const findVideo = ({ uid }: Target): string =>
  `{ upload(uid: "${uid}") { video { ${ADDRESSES} } } }`
const findVideoNode = ({ id }: Target): string =>
  `{ node(id: "${id}") { ... on Upload { video { ${ADDRESSES} } } } }`
const listVideos = (): string =>
  `{ uploads(filter: { status: READY }) { nodes { video { ${ADDRESSES} } } } }`
const watchVideo = ({ uid }: Target): string =>
  `subscription { uploadStatus(uid: "${uid}") { video { ${ADDRESSES} } } }`

const hlsURL = (id: string): string => `{"hlsURL":"STREAM/${id}/manifest/video.m3u8"}`
const privateVideo = `{"video":{"hlsURL":null,"dashURL":null,"previewURL":null,"thumbnailURL":null,"playback":${hlsURL('TOKEN')}}}`
const publicVideo = `{"video":{"hlsURL":"STREAM/UID/manifest/video.m3u8","dashURL":"STREAM/UID/manifest/video.mpd","previewURL":"STREAM/UID/watch","thumbnailURL":"STREAM/UID/thumbnails/thumbnail.jpg","playback":${hlsURL('UID')}}}`

/** Outcomes of a field that returns the video to its owner and administrators only. */
function ofVideo(
  write: (video: string) => string,
  video: string,
  missing: string,
): readonly [string, string, string] {
  return [missing, write(video), write(video)]
}

const rows: readonly Row[] = [
  rowOfPlayback('playback of a private video', onVideo('private', byPost(play)), [
    '{"playback":null}',
    `{"playback":${hlsURL('TOKEN')}}`,
  ]),
  rowOfPlayback('playback of a private video by GET', onVideo('private', byGet(play)), [
    '{"playback":null}',
    `{"playback":${hlsURL('TOKEN')}}`,
  ]),
  rowOfPlayback(
    'playback of a private video over WebSocket',
    onVideo('private', bySocket(play)),
    ['{"playback":null}', `{"playback":${hlsURL('TOKEN')}}`],
    'closed 4403',
  ),
  rowOfPlayback('playback of a public video', onVideo('public', byPost(play)), [
    '{"playback":null}',
    `{"playback":${hlsURL('UID')}}`,
  ]),
  row('playback of a pending upload', byPost(play), sameOutcome('{"playback":null}')),
  ...(
    [
      ['private', privateVideo],
      ['public', publicVideo],
    ] as const
  ).flatMap(([kind, video]) => [
    row(
      `upload with the addresses of a ${kind} video`,
      onVideo(kind, byPost(findVideo)),
      ofVideo((text) => `{"upload":${text}}`, video, '{"upload":null}'),
    ),
    row(
      `node with the addresses of a ${kind} video`,
      onVideo(kind, byPost(findVideoNode)),
      ofVideo((text) => `{"node":${text}}`, video, '{"node":null}'),
    ),
    row(
      `uploads with the addresses of a ${kind} video`,
      onVideo(kind, byPost(listVideos)),
      ofVideo((text) => `{"uploads":{"nodes":[${text}]}}`, video, '{"uploads":{"nodes":[]}}'),
    ),
    row(
      `uploadStatus with the addresses of a ${kind} video over SSE`,
      onVideo(kind, bySse(watchVideo)),
      ofVideo((text) => `{"uploadStatus":${text}}`, video, 'UPLOAD_NOT_FOUND'),
    ),
  ]),
  row('upload', byPost(find), ['{"upload":null}', ownUpload, uploadWithoutURL]),
  row('upload by GET', byGet(find), ['{"upload":null}', ownUpload, uploadWithoutURL]),
  row(
    'upload over WebSocket',
    bySocket(find),
    ['{"upload":null}', ownUpload, uploadWithoutURL],
    'closed 4403',
  ),
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
    'me',
    byPost(() => '{ me { isAdmin limits { quotaMinutes remainingUploads } } }'),
    [
      '{"me":{"isAdmin":false,"limits":{"quotaMinutes":null,"remainingUploads":null}}}',
      '{"me":{"isAdmin":false,"limits":{"quotaMinutes":null,"remainingUploads":null}}}',
      '{"me":{"isAdmin":true,"limits":{"quotaMinutes":null,"remainingUploads":null}}}',
    ],
  ),
  row(
    'storageUsage',
    byPost(() => '{ storageUsage { limitMinutes reservedMinutes } }'),
    [
      '{"storageUsage":{"limitMinutes":null,"reservedMinutes":0}}',
      '{"storageUsage":{"limitMinutes":null,"reservedMinutes":1}}',
      '{"storageUsage":{"limitMinutes":1000,"reservedMinutes":1}}',
    ],
  ),
  row(
    'recommendedProtocol',
    byPost(() => '{ recommendedProtocol(sizeBytes: 1) { protocol } }'),
    sameOutcome('{"recommendedProtocol":{"protocol":"BASIC"}}'),
  ),
  row(
    'introspection',
    byPost(() => '{ __schema { __typename } }'),
    sameOutcome('{"__schema":{"__typename":"__Schema"}}'),
  ),
  row(
    'createDirectUpload',
    byPost(() => mint('Direct', '')),
    [successOf('Direct', 'bob'), successOf('Direct', 'ada'), successOf('Direct', 'root')],
  ),
  row(
    'createTusUpload',
    byPost(() => mint('Tus', 'sizeBytes: 1')),
    [successOf('Tus', 'bob'), successOf('Tus', 'ada'), successOf('Tus', 'root')],
  ),
  row(
    'createDirectUpload for ada',
    byPost(() => mint('Direct', 'creator: "ada"')),
    [
      typenameOf('createDirectUpload', 'ForbiddenError'),
      successOf('Direct', 'ada'),
      successOf('Direct', 'ada'),
    ],
  ),
  row(
    'createTusUpload for ada',
    byPost(() => mint('Tus', 'sizeBytes: 1, creator: "ada"')),
    [
      typenameOf('createTusUpload', 'ForbiddenError'),
      successOf('Tus', 'ada'),
      successOf('Tus', 'ada'),
    ],
  ),
  row(
    'createUpload',
    byPost(() => mintBySize('createUpload(input:', '')),
    [
      createdBySize('createUpload', 'bob'),
      createdBySize('createUpload', 'ada'),
      createdBySize('createUpload', 'root'),
    ],
  ),
  row(
    'createUploads for ada',
    byPost(() => mintBySize('createUploads(inputs:', 'creator: "ada"')),
    [
      '{"createUploads":[{"__typename":"ForbiddenError"}]}',
      createdBySize('createUploads', 'ada'),
      createdBySize('createUploads', 'ada'),
    ],
  ),
  row('updateUpload', byPost(rename), [
    typenameOf('updateUpload', 'UploadNotFoundError'),
    typenameOf('updateUpload', 'UpdateUploadSuccess'),
    typenameOf('updateUpload', 'UpdateUploadSuccess'),
  ]),
  row(
    'updateUpload over WebSocket',
    bySocket(rename),
    [
      typenameOf('updateUpload', 'UploadNotFoundError'),
      typenameOf('updateUpload', 'UpdateUploadSuccess'),
      typenameOf('updateUpload', 'UpdateUploadSuccess'),
    ],
    'closed 4403',
  ),
  row('deleteUpload', byPost(remove), [
    typenameOf('deleteUpload', 'UploadNotFoundError'),
    typenameOf('deleteUpload', 'DeleteUploadSuccess'),
    typenameOf('deleteUpload', 'DeleteUploadSuccess'),
  ]),
  row(
    'deleteUpload over WebSocket',
    bySocket(remove),
    [
      typenameOf('deleteUpload', 'UploadNotFoundError'),
      typenameOf('deleteUpload', 'DeleteUploadSuccess'),
      typenameOf('deleteUpload', 'DeleteUploadSuccess'),
    ],
    'closed 4403',
  ),
  row('uploadStatus over SSE', bySse(watch), ['UPLOAD_NOT_FOUND', statusEvent, statusEvent]),
  row(
    'uploadStatus over WebSocket',
    bySocket(watch),
    ['UPLOAD_NOT_FOUND', statusEvent, statusEvent],
    'closed 4403',
  ),
  row('uploadList over SSE', bySse(watchPending), [
    '{"uploadList":{"page":{"nodes":[]}}}',
    '{"uploadList":{"page":{"nodes":[{"creator":"ada"}]}}}',
    '{"uploadList":{"page":{"nodes":[{"creator":"ada"}]}}}',
  ]),
  row('uploadsChanged over SSE', bySse(watchAll, createUploads), [
    changedBy('bob'),
    changedBy('ada'),
    changedBy('ada'),
  ]),
  row(
    'uploadsChanged over WebSocket',
    bySocket(watchAll, createUploads),
    [changedBy('bob'), changedBy('ada'), changedBy('ada')],
    'closed 4403',
  ),
  row('POST /tus', byTus, sameOutcome('201 with a Location'), '401'),
  sameForAll('OPTIONS /tus', byRequest('/tus', { method: 'OPTIONS' }), '204'),
  sameForAll('GraphiQL', byRequest('/graphql', { headers: { accept: 'text/html' } }), '200'),
  sameForAll(
    'webhook without a signature',
    byRequest('/webhooks/stream', { method: 'POST' }),
    '401',
  ),
  sameForAll('/', byRequest('/'), '200'),
  sameForAll('/healthz', byRequest('/healthz'), '200'),
  sameForAll('/readyz', byRequest('/readyz'), '200'),
  sameForAll('/metrics', byRequest('/metrics'), '200'),
]

function tokenOf(wanted: string): string {
  return credentials.find(({ name }) => name === wanted)?.token ?? ''
}

const uploadIdSchema = z.object({
  uploads: z.object({ nodes: z.tuple([z.object({ id: z.string() })]) }),
})

async function createTarget(gateway: TestGateway, ownerToken: string): Promise<Target> {
  const owner = gateway.as(ownerToken)
  const createAsOwner = async () => expectMinted(await createDirectUpload(owner))
  const { uid, uploadURL } = await createAsOwner()
  const { uploads } = await owner.request(uploadIdSchema, '{ uploads(first: 1) { nodes { id } } }')
  return {
    gateway,
    uid,
    uploadURL,
    id: uploads.nodes[0].id,
    createAsOwner: async () => (await createAsOwner()).uid,
    videoOfOwner(kind) {
      const key = `${gateway.url} ${kind}`
      const known = videos.get(key) ?? uploadVideo(owner, { requireSignedURLs: kind === 'private' })
      videos.set(key, known)
      return known
    },
  }
}

/** The videos by gateway and kind: all attempts of a row use the same. */
const videos = new Map<string, Promise<string>>()

const pendingSchema = z.object({
  uploads: z.object({ nodes: z.array(z.object({ uid: z.string() })) }),
})

/** Deletes the uploads of one attempt, so that the next attempt starts with none. */
async function deleteUploads(administrator: Caller): Promise<void> {
  const { uploads } = await administrator.request(
    pendingSchema,
    '{ uploads(filter: { status: PENDING_UPLOAD }) { nodes { uid } } }',
  )
  const deletions = uploads.nodes.map(
    ({ uid }, index) => `a${index}: deleteUpload(uid: "${uid}") { __typename }`,
  )
  if (deletions.length > 0)
    await administrator.request(z.unknown(), `mutation { ${deletions.join(' ')} }`)
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
      AUTH_AUDIENCE: AUD,
    })
    const administrator = gateway.as(tokenOf('administrator'))
    const results: [string, string][] = []
    let target: Target | null = null
    for (const { name, role, token } of credentials) {
      target ??= await createTarget(gateway, tokenOf('owner'))
      results.push([name, await attempt(target, token)])
      // A rejected attempt has changed nothing, so that the next one has the same target.
      if (role === 'unauthenticated') continue
      await deleteUploads(administrator)
      target = null
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

  it('responds to a request for an upload of another creator as if it did not exist', async () => {
    const gateway = await startTestGateway({ AUTH_JWKS_URL: jwksURL, AUTH_JWT_SECRET: TEST_SECRET })
    const target = await createTarget(gateway, tokenOf('owner'))
    const missing = { ...target, uid: 'f'.repeat(32), id: btoa(`Upload:${'f'.repeat(32)}`) }
    for (const attempt of [
      byPost(find),
      byPost(({ id }) => `{ node(id: "${id}") { id } nodes(ids: ["${id}"]) { id } }`),
      byPost(
        ({ uid }) =>
          `mutation { deleteUpload(uid: "${uid}") { __typename ... on Error { code message } ... on UploadNotFoundError { uid } } }`,
      ),
      bySse(watch),
      bySocket(watch),
      byPost(play),
    ]) {
      const response = await attempt(missing, tokenOf('other user'))
      for (const uid of [
        target.uid,
        await target.videoOfOwner('private'),
        await target.videoOfOwner('public'),
      ]) {
        const existing = { ...target, uid, id: btoa(`Upload:${uid}`) }
        expect(await attempt(existing, tokenOf('other user'))).toBe(response)
      }
    }
  })
})
