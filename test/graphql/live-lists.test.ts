/** Runs the live lists of src/graphql/recipes.md, as printed, over connections that break. */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import {
  bundleForNode,
  createFrontend,
  hasNoPackages,
  packagesHint,
} from '../browser/kit/frontend.ts'
import { readRecipe } from '../browser/kit/recipe.ts'
import { type Caller, TEST_SECRET, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { testcardFile } from '../kit/media.ts'
import { startNetwork } from '../kit/network.ts'
import { createDirectUpload, deleteUpload, expectMinted, postFile } from '../kit/operations.ts'

const PAGE = 'src/graphql/recipes.md'

/** Files of each recipe, and code that starts the list and defines `read(query, uid)` and `readCache()`. */
const clients: Readonly<Record<string, { readonly files: readonly string[]; code: string }>> = {
  'Apollo Client': {
    files: [
      'operations',
      'apollo-cache',
      'apollo-sse',
      'live-list',
      'list-operations',
      'apollo-live-list',
    ],
    code: /* js */ `
      import { gql } from '@apollo/client'
      import { createApolloClient } from './src/apollo-sse'
      import { ignoreOldVersions, keepListLive } from './src/apollo-live-list'
      import { LIST, LIVE } from './src/list-operations'
      const client = createApolloClient({ url, getToken: async () => token })
      ignoreOldVersions(client)
      keepListLive(client, { list: gql(LIST), live: gql(LIVE) }, {}, report)
      client
        .watchQuery({ query: gql(LIST), fetchPolicy: 'cache-only' })
        .subscribe(({ data }) => show(data?.uploads))
      const readCache = () => client.readQuery({ query: gql(LIST) })?.uploads
      function read(query, uid) {
        return client.query({ query: gql(query), variables: { uid }, fetchPolicy: 'network-only' })
      }`,
  },
  urql: {
    files: ['operations', 'urql-client', 'live-list', 'list-operations', 'urql-live-list'],
    code: /* js */ `
      import { pipe, subscribe } from 'wonka'
      import { createUrqlClient } from './src/urql-client'
      import { createLiveCache, keepListLive } from './src/urql-live-list'
      import { LIST } from './src/list-operations'
      const client = createUrqlClient({ url, getToken: async () => token, cache: createLiveCache() })
      keepListLive(client, {}, report)
      pipe(
        client.query(LIST, {}, { requestPolicy: 'cache-only' }),
        subscribe(({ data }) => show(data?.uploads)),
      )
      const readCache = () => client.readQuery(LIST, {})?.data.uploads
      function read(query, uid) {
        return client.query(query, { uid }, { requestPolicy: 'network-only' }).toPromise()
      }`,
  },
}

/** Prints each list as a line. The response to the query Late is held back until the line \`release\`. */
const DRIVER = /* js */ `
  import { createInterface } from 'node:readline'
  const LATE = 'query Late($uid: ID!) { upload(uid: $uid) { __typename id uid name status version } }'
  const PLAY = 'query Play($uid: ID!) { upload(uid: $uid) { __typename id version video { hlsURL } progress { sentBytes: totalBytes } } }'
  const print = (value) => console.log(JSON.stringify(value))
  const report = (error) => print({ error: String(error) })
  const show = (uploads) => {
    if (uploads) print({ list: uploads.edges.map(({ node: { uid, name, status, version } }) => ({ uid, name, status, version })) })
  }
  let release
  const fetchNow = globalThis.fetch
  globalThis.fetch = async (input, init) => {
    const response = await fetchNow(input, init)
    // urql sends queries by GET.
    if (!(String(input) + String(init?.body)).includes('Late')) return response
    const text = await response.text()
    print({ held: text })
    await new Promise((resolve) => { release = resolve })
    return new Response(text, response)
  }
  createInterface(process.stdin).on('line', async (line) => {
    const [command, argument] = line.split(' ')
    if (command === 'token') token = argument
    if (command === 'release') release()
    if (command === 'late') {
      await read(LATE, argument)
      show(readCache())
      print({ late: 'received' })
    }
    if (command === 'play') {
      const { data } = await read(PLAY, argument)
      print({ player: data.upload.video.hlsURL, hasList: readCache() !== undefined })
    }
  })`

const line = z.union([
  z.object({
    list: z.array(
      z.object({
        uid: z.string(),
        name: z.string().nullable(),
        status: z.string(),
        version: z.number(),
      }),
    ),
  }),
  z.object({ held: z.string() }),
  z.object({ late: z.string() }),
  z.object({ player: z.url(), hasList: z.boolean() }),
  z.object({ error: z.string() }),
])
type Row =
  z.infer<typeof line> extends infer Line
    ? Line extends { list: (infer Element)[] }
      ? Element
      : never
    : never

const fresh = z.object({
  uploads: z.object({
    nodes: z.array(
      z.object({
        uid: z.string(),
        name: z.string().nullable(),
        status: z.string(),
        version: z.number(),
      }),
    ),
  }),
})

async function readList(caller: Caller): Promise<readonly Row[]> {
  const data = await caller.request(
    fresh,
    '{ uploads(first: 50) { nodes { uid name status version } } }',
  )
  return data.uploads.nodes
}

/** The process of a client: the lines that it prints, and a function that sends it a line. */
function startClient(folder: string, code: string) {
  const child: ChildProcessByStdio<Writable, Readable, null> = spawn(
    process.execPath,
    ['--input-type=module', '--eval', code],
    { cwd: folder, stdio: ['pipe', 'pipe', 'inherit'] },
  )
  onTestFinished(() => void child.kill())
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  let list: readonly Row[] = []
  return {
    list: () => list,
    send: (text: string): void => void child.stdin.write(`${text}\n`),
    /** Reads lines until the condition holds. */
    async until(isMet: (printed: z.infer<typeof line>) => boolean): Promise<void> {
      for (;;) {
        const { done, value } = await lines.next()
        if (done === true) throw new Error('The client has ended.')
        const printed = line.parse(JSON.parse(value))
        if ('list' in printed) list = printed.list
        if (isMet(printed)) return
      }
    },
  }
}

describe.skipIf(hasNoPackages)(`a live list${packagesHint}`, () => {
  it.each(Object.keys(clients))(
    'of %s equals a fresh read after lost connections, old versions and deletions',
    { timeout: 60_000 },
    async (name) => {
      const { files = [], code = '' } = clients[name] ?? {}
      const frontend = await createFrontend(
        Object.fromEntries(
          files.map((file) => [`src/${file}.ts`, readRecipe(PAGE, `src/${file}.ts`)]),
        ),
      )
      onTestFinished(frontend.remove)
      const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
      const network = await startNetwork(gateway.url)
      const caller = gateway.as(await tokenFor('ada'))
      const mint = async (title: string) =>
        expectMinted(await createDirectUpload(caller, { name: title }))
      const first = await mint('first')
      await mint('second')
      const deletedBefore = await mint('deleted before')
      await deleteUpload(caller, deletedBefore.uid)

      const inAMinute = Math.floor(Date.now() / 1000) + 60
      const settings = `
        let token = '${await tokenFor('ada', { exp: inAMinute })}'
        const url = '${network.url}/graphql'`
      const script = await bundleForNode(frontend, `${DRIVER}\n${settings}\n${code}`)
      const client = startClient(frontend.folder, script)
      const hasNames = (...names: readonly string[]) =>
        client.until(
          (printed) =>
            'list' in printed && printed.list.map((row) => row.name).join() === names.join(),
        )
      await hasNames('second', 'first')

      // New row, and the result of a query that is older than the events before it.
      const third = await mint('third')
      await hasNames('third', 'second', 'first')
      client.send(`late ${third.uid}`)
      await client.until((printed) => 'held' in printed)
      await postFile(third.uploadURL, testcardFile())
      await client.until(
        (printed) => 'list' in printed && printed.list.some(({ status }) => status === 'READY'),
      )
      client.send('release')
      await client.until((printed) => 'late' in printed)
      expect(client.list()).toEqual(await readList(caller))

      // Other fields of objects without an id, as a player on the same page selects them.
      client.send(`play ${third.uid}`)
      await client.until((printed) => 'player' in printed && printed.hasList)

      // Changes while the connection is lost.
      network.cut()
      network.restore()
      await deleteUpload(caller, first.uid)
      const fourth = await mint('fourth')
      await hasNames('fourth', 'third', 'second')

      // Deletion, and changes while the token has expired.
      await deleteUpload(caller, third.uid)
      await hasNames('fourth', 'second')
      client.send(`token ${await tokenFor('ada')}`)
      gateway.clock.advance(90)
      await mint('fifth')
      await deleteUpload(caller, fourth.uid)
      await hasNames('fifth', 'second')
      await mint('sixth')
      await hasNames('sixth', 'fifth', 'second')
      expect(client.list()).toEqual(await readList(caller))
    },
  )
})
