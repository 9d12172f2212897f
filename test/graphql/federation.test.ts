/** FEDERATION: the gateway as a subgraph, alone and behind the routers of src/graphql/federation.md. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { buildSchema, parse, printSchema } from 'graphql'
import { createClient } from 'graphql-sse'
import { describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { createFederatedSchema } from '../../src/graphql/federation.ts'
import { schema } from '../../src/graphql/schema.ts'
import {
  type Frontend,
  createFrontend,
  hasNoPackages,
  packagesHint,
} from '../browser/kit/frontend.ts'
import { readRecipe } from '../browser/kit/recipe.ts'
import {
  TEST_SECRET,
  type TestGateway,
  callerOf,
  startTestGateway,
  tokenFor,
} from '../kit/gateway.ts'
import { createDirectUpload, expectMinted } from '../kit/operations.ts'
import { startPostsSubgraph } from '../kit/posts-subgraph.ts'

const PAGE = 'src/graphql/federation.md'
/** Routers take seconds to load while other tests run. */
const TIMEOUT_MS = 120_000
const SIGNED = { AUTH_JWT_SECRET: TEST_SECRET, FEDERATION: 'true' }
const MISSING = 'f'.repeat(32)

const sdlShape = z.object({ _service: z.object({ sdl: z.string() }) })
const entitiesShape = z.object({
  _entities: z.array(z.object({ uid: z.string(), status: z.string() }).nullable()),
})
const ENTITIES = `query ($representations: [_Any!]!) {
  _entities(representations: $representations) { ... on Upload { uid status } }
}`

async function mintFor(gateway: TestGateway, subject: string): Promise<string> {
  const caller = gateway.as(await tokenFor(subject))
  return expectMinted(await createDirectUpload(caller)).uid
}

function representationsOf(uids: readonly string[]): object {
  return { representations: uids.map((uid) => ({ __typename: 'Upload', uid })) }
}

async function post(url: string, token: string, body: object): Promise<unknown> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      accept: 'application/json',
      'content-type': 'application/json',
      authorization: `Bearer ${token}`,
    },
    body: JSON.stringify(body),
  })
  return response.json()
}

describe('a federated subgraph', () => {
  it('describes each added type, field and argument', () => {
    const federated = createFederatedSchema(schema)
    const added = ['_Service', '_Any', '_Entity'].map((name) => federated.getType(name))
    for (const type of added) expect(type?.description).toMatch(/\.$/)
    const { _service: service, _entities: entities } = federated.getQueryType()?.getFields() ?? {}
    expect(service?.description).toMatch(/\.$/)
    expect(entities?.description).toMatch(/\.$/)
    expect(entities?.args[0]?.description).toMatch(/\.$/)
  })

  it('has an SDL with its key, and without the queries that one subgraph can have', async () => {
    const gateway = await startTestGateway(SIGNED)
    const ada = gateway.as(await tokenFor('ada'))
    const { _service: service } = await ada.request(sdlShape, '{ _service { sdl } }')
    expect(service.sdl).toMatch(
      /^extend schema @link\(url: "https:\/\/specs.apollo.dev\/federation\//,
    )
    expect(service.sdl).toContain('type Upload implements Node @key(fields: "uid") {')
    expect(service.sdl).not.toMatch(/^ {2}nodes?\(/m)
    expect(service.sdl).not.toContain('_entities')
    parse(service.sdl)
  })

  it('returns the uploads of the caller, in order, and null for others', async () => {
    const gateway = await startTestGateway(SIGNED)
    const [first, second, strange] = [
      await mintFor(gateway, 'ada'),
      await mintFor(gateway, 'ada'),
      await mintFor(gateway, 'bob'),
    ]
    const uids = [second, strange, MISSING, 'x', first, second]
    const ada = gateway.as(await tokenFor('ada'))
    for (let run = 0; run < 4; run += 1) {
      const { _entities: found } = await ada.request(
        entitiesShape,
        ENTITIES,
        representationsOf(uids),
      )
      expect(found.map((upload) => upload?.uid)).toEqual([
        second,
        undefined,
        undefined,
        undefined,
        first,
        second,
      ])
    }
    const admin = gateway.as(await tokenFor('root', { scope: 'uploads:admin' }))
    const all = await admin.request(entitiesShape, ENTITIES, representationsOf(uids))
    expect(all._entities.filter((upload) => upload !== null)).toHaveLength(4)
  })

  it.each<[string, object, string]>([
    ['101 of them', representationsOf(Array.from({ length: 101 }, () => MISSING)), 'limit: 100'],
    [
      'another type',
      { representations: [{ __typename: 'Video', uid: MISSING }] },
      'must be an object',
    ],
    ['no type', { representations: [{ uid: MISSING }] }, 'must be an object'],
    [
      'another key',
      { representations: [{ __typename: 'Upload', id: MISSING }] },
      'must be an object',
    ],
    [
      'a key that is no text',
      { representations: [{ __typename: 'Upload', uid: 1 }] },
      'must be an object',
    ],
    ['text', { representations: ['Upload'] }, 'must be an object'],
  ])('rejects representations with %s', async (_name, variables, message) => {
    const gateway = await startTestGateway({ FEDERATION: 'true' })
    expect(await post(`${gateway.url}/graphql`, '', { query: ENTITIES, variables })).toMatchObject({
      errors: [
        { message: expect.stringContaining(message), extensions: { code: 'BAD_USER_INPUT' } },
      ],
    })
  })

  it('counts representations as entries of the result, across aliases', async () => {
    const gateway = await startTestGateway({ FEDERATION: 'true' })
    const fields = Array.from(
      { length: 11 },
      (_, index) => `a${index}: _entities(representations: $representations) { __typename }`,
    )
    const query = `query ($representations: [_Any!]!) { ${fields.join(' ')} }`
    const variables = representationsOf(Array.from({ length: 100 }, () => MISSING))
    expect(await post(`${gateway.url}/graphql`, '', { query, variables })).toMatchObject({
      errors: [{ extensions: { code: 'RESULT_TOO_LARGE' } }],
    })
  })

  it('needs a token, and hides its schema with INTROSPECTION=false', async () => {
    const gateway = await startTestGateway({ ...SIGNED, INTROSPECTION: 'false' })
    const url = `${gateway.url}/graphql`
    const query = '{ s: _service { sdl } }'
    expect(await post(url, 'x', { query })).toMatchObject({
      errors: [{ extensions: { code: 'UNAUTHENTICATED' } }],
    })
    expect(await post(url, await tokenFor('ada'), { query })).toMatchObject({
      errors: [{ message: expect.stringContaining('Introspection has been disabled') }],
    })
  })

  it('is the usual schema without FEDERATION', async () => {
    const gateway = await startTestGateway()
    expect(
      await post(`${gateway.url}/graphql`, '', { query: '{ _service { sdl } }' }),
    ).toMatchObject({
      errors: [{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }],
    })
    expect(printSchema(buildSchema(printSchema(schema)))).not.toContain('_Any')
  })
})

/** Returns the data. Routers report each null entity: in `extensions`, or as an error. */
async function dataOf(url: string, token: string, body: object): Promise<unknown> {
  return z.object({ data: z.unknown() }).parse(await post(url, token, body)).data
}

/** Runs a recipe of the page; returns the first line of its output. It is stopped when the test ends. */
async function start(
  { folder }: Frontend,
  recipe: string,
  variables: Readonly<Record<string, string>>,
): Promise<string> {
  const { NODE_ENV: _mode, VITEST: _runner, ...env } = process.env
  const child = spawn(process.execPath, [recipe], {
    cwd: folder,
    env: { ...env, ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  for await (const line of createInterface(child.stdout)) if (line.startsWith('http')) return line
  expect(stderr).toBe('')
  return ''
}

const RECIPES = ['compose.mjs', 'apollo-gateway.mjs', 'hive-gateway.mjs']
const POSTS = `{ posts { pageInfo { hasNextPage } nodes { title upload { uid status name posts { title } } } } }`
const UPLOAD = 'query ($uid: ID!) { upload(uid: $uid) { status posts { title upload { name } } } }'

/** A post with its upload, as its creator sees it. */
function seen(title: string, uid: string): object {
  return { title, upload: { uid, status: 'PENDING_UPLOAD', name: null, posts: [{ title }] } }
}

/** A post whose upload is missing, or belongs to another creator. */
function hidden(title: string): object {
  return { title, upload: null }
}

function listed(nodes: readonly object[]): object {
  return { posts: { pageInfo: { hasNextPage: false }, nodes } }
}

function eventOf(status: string): object {
  return { uploadStatus: { status, posts: [{ title: 'mine' }] } }
}

describe.skipIf(hasNoPackages)(`a supergraph${packagesHint}`, () => {
  it.each(['apollo-gateway.mjs', 'hive-gateway.mjs'])(
    'of %s passes on the token: callers see their own uploads',
    { timeout: TIMEOUT_MS },
    async (recipe) => {
      const gateway = await startTestGateway(SIGNED)
      const [own, strange] = [await mintFor(gateway, 'ada'), await mintFor(gateway, 'bob')]
      const posts = await startPostsSubgraph([
        { id: '1', title: 'mine', uid: own },
        { id: '2', title: 'theirs', uid: strange },
        { id: '3', title: 'gone', uid: MISSING },
      ])
      const frontend = await createFrontend(
        Object.fromEntries(RECIPES.map((name) => [name, readRecipe(PAGE, name)])),
      )
      onTestFinished(frontend.remove)
      const [ada, bob] = [await tokenFor('ada'), await tokenFor('bob')]
      await start(frontend, 'compose.mjs', {
        UPLOADS: `${gateway.url}/graphql`,
        POSTS: posts,
        TOKEN: ada,
      })
      const url = await start(frontend, recipe, { PORT: '0' })

      expect(await dataOf(url, ada, { query: POSTS })).toEqual(
        listed([seen('mine', own), hidden('theirs'), hidden('gone')]),
      )
      expect(await dataOf(url, bob, { query: POSTS })).toEqual(
        listed([hidden('mine'), seen('theirs', strange), hidden('gone')]),
      )
      const variables = { uid: own }
      expect(await dataOf(url, ada, { query: UPLOAD, variables })).toEqual({
        upload: { status: 'PENDING_UPLOAD', posts: [{ title: 'mine', upload: { name: null } }] },
      })
      expect(await dataOf(url, bob, { query: UPLOAD, variables })).toEqual({ upload: null })
      const minted = await createDirectUpload(callerOf(url, ada))
      expect(minted.__typename).toBe('CreateDirectUploadSuccess')

      if (recipe !== 'hive-gateway.mjs') return
      const client = createClient({ url, headers: { authorization: `Bearer ${ada}` } })
      onTestFinished(() => client.dispose())
      const query =
        'subscription ($uid: ID!) { uploadStatus(uid: $uid) { status posts { title } } }'
      const events: unknown[] = []
      for await (const { data } of client.iterate({ query, variables })) {
        events.push(data)
        if (events.length > 1) continue
        const remove = 'mutation ($uid: ID!) { deleteUpload(uid: $uid) { __typename } }'
        await post(`${gateway.url}/graphql`, ada, { query: remove, variables })
      }
      expect(events).toEqual([eventOf('PENDING_UPLOAD'), eventOf('DELETED')])
    },
  )
})
