/** A subgraph of posts whose videos are uploads of the gateway, for tests of federation. */
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http'
import { json } from 'node:stream/consumers'
import { buildSchema, graphql } from 'graphql'
import { z } from 'zod'
import { listenInTest } from './listen.ts'

export interface Post {
  readonly id: string
  readonly title: string
  /** Uid of its upload. */
  readonly uid: string
}

const SDL = `
extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@shareable"])
type Query { posts: PostConnection! node(id: ID!): Node }
interface Node { id: ID! }
type PostConnection { nodes: [Post!]! pageInfo: PageInfo! }
type PageInfo @shareable {
  hasNextPage: Boolean!
  hasPreviousPage: Boolean!
  startCursor: String
  endCursor: String
}
type Post implements Node @key(fields: "id") { id: ID! title: String! upload: Upload }
type Upload @key(fields: "uid") { uid: ID! posts: [Post!]! }`

const FEDERATION = `
scalar _Any
union _Entity = Post | Upload
type _Service { sdl: String! }
extend type Query { _service: _Service! _entities(representations: [_Any!]!): [_Entity]! }`

const representation = z.object({ __typename: z.literal('Upload'), uid: z.string() })
const requestBody = z.object({
  query: z.string(),
  variables: z.record(z.string(), z.unknown()).nullish(),
})

/** Starts the subgraph with these posts; returns its URL. It is stopped when the test ends. */
export async function startPostsSubgraph(posts: readonly Post[]): Promise<string> {
  const schema = buildSchema(SDL.replace(/^extend schema.*$/m, '') + FEDERATION, {
    assumeValidSDL: true,
  })
  /** Resolved lazily, because an upload has posts, which have an upload. */
  const uploadOf = (uid: string): object => ({
    __typename: 'Upload',
    uid,
    posts: () => posts.filter((post) => post.uid === uid).map(postOf),
  })
  const postOf = ({ id, title, uid }: Post): object => ({
    __typename: 'Post',
    id,
    title,
    upload: () => uploadOf(uid),
  })
  const rootValue = {
    posts: { nodes: posts.map(postOf), pageInfo: { hasNextPage: false, hasPreviousPage: false } },
    node: () => null,
    _service: { sdl: SDL },
    _entities: ({ representations }: { readonly representations: readonly unknown[] }) =>
      representations.map((value) => uploadOf(representation.parse(value).uid)),
  }
  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { query, variables } = requestBody.parse(await json(request))
    const result = await graphql({ schema, source: query, variableValues: variables, rootValue })
    response.setHeader('content-type', 'application/json').end(JSON.stringify(result))
  }
  const server = createServer((request, response) => void respond(request, response))
  return `${(await listenInTest(server)).origin}/graphql`
}
