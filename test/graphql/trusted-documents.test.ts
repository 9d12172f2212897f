/** The recipes of src/graphql/trusted-documents.md: real output of the generators, with the clients that send its hashes. */
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  type Frontend,
  bundleForNode,
  createFrontend,
  hasNoPackages,
  packagesHint,
} from '../browser/kit/frontend.ts'
import { readRecipe } from '../browser/kit/recipe.ts'
import { TEST_SECRET, type TestGateway, startTestGateway, tokenFor } from '../kit/gateway.ts'

const PAGE = 'src/graphql/trusted-documents.md'
/** The generators and the bundler start several processes. */
const TIMEOUT_MS = 120_000

const MINT =
  'mutation Mint($input: CreateDirectUploadInput!) { createDirectUpload(input: $input) { ... on CreateDirectUploadSuccess { upload { ...Listed } } } }'
const LIST = 'query List { uploads { totalCount edges { node { ...Listed } } } }'
const WATCH = 'subscription Watch($uid: ID!) { uploadStatus(uid: $uid) { ...Listed } }'
const LISTED = 'fragment Listed on Upload { uid name status }'

/** Records what each request sent, and refuses none itself. */
const RECORD = `
  const requests = []
  const original = globalThis.fetch
  globalThis.fetch = (url, init) => {
    requests.push(/query \\w*|mutation \\w|subscription \\w/.test(decodeURIComponent(String(url)) + (init?.body ?? '')) ? 'text' : 'id')
    return original(url, init)
  }`

/** The selection in place of the fragment. */
function spreadless(text: string): string {
  return text.replace('...Listed', 'uid name status')
}

async function createProject(names: readonly string[]): Promise<Frontend> {
  const files = Object.fromEntries(names.map((name) => [name, readRecipe(PAGE, name)]))
  const frontend = await createFrontend(files)
  onTestFinished(frontend.remove)
  return frontend
}

async function runScript({ node, write }: Frontend, script: string): Promise<void> {
  await write('script.sh', readRecipe(PAGE, script))
  await write(
    'run.mjs',
    "import { execFileSync } from 'node:child_process'; execFileSync('sh', ['-e', 'script.sh'])",
  )
  expect(await node('run.mjs')).toMatchObject({ code: 0 })
}

function startGateway({ folder }: Frontend, file: string): Promise<TestGateway> {
  return startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET, TRUSTED_DOCUMENTS: join(folder, file) })
}

/** Runs a module in the project; returns the JSON that it prints. */
async function run(frontend: Frontend, gateway: TestGateway, code: string): Promise<unknown> {
  const constants = `const url = '${gateway.url}/graphql'; const token = '${await tokenFor('ada')}'`
  await frontend.write(
    'main.mjs',
    await bundleForNode(frontend, code.replace('CONSTANTS', constants)),
  )
  const { stdout, stderr } = await frontend.node('main.mjs')
  expect(stderr).toBe('')
  return JSON.parse(stdout)
}

const EXPECTED = { name: 'a', total: 1, watched: 'PENDING_UPLOAD', requests: ['id', 'id', 'id'] }

describe.skipIf(hasNoPackages)(`trusted documents${packagesHint}`, () => {
  it(
    'of GraphQL Code Generator are executed for Apollo Client and urql',
    { timeout: TIMEOUT_MS },
    async () => {
      const frontend = await createProject([
        'codegen.ts',
        'src/hash-of.ts',
        'src/apollo.ts',
        'src/urql.ts',
      ])
      const documents = Object.entries({ MINT, LIST, WATCH, LISTED })
      await frontend.write(
        'src/documents.ts',
        `import { graphql } from './graphql'\n${documents.map(([name, text]) => `export const ${name} = graphql(/* GraphQL */ \`${text}\`)`).join('\n')}`,
      )
      await runScript(frontend, 'codegen.sh')
      const gateway = await startGateway(frontend, 'src/graphql/persisted-documents.json')

      const apollo = await run(
        frontend,
        gateway,
        `import { gql } from '@apollo/client'
      import { createApolloClient } from './src/apollo'
      import { MINT, LIST } from './src/documents'
      ${RECORD}
      CONSTANTS
      const client = createApolloClient(url, token)
      const minted = await client.mutate({ mutation: MINT, variables: { input: { name: 'a', maxDurationSeconds: 60 } } })
      const { data } = await client.query({ query: LIST })
      const other = Object.assign(gql('{ storageUsage { videoCount } }'), { __meta__: { hash: 'unknown' } })
      const refused = await client.query({ query: other, errorPolicy: 'all' })
      console.log(JSON.stringify({
        name: minted.data.createDirectUpload.upload.name,
        total: data.uploads.totalCount,
        code: refused.error.errors[0].extensions.code,
        requests,
      }))
      client.stop()`,
      )
      const { name, total, requests } = EXPECTED
      expect(apollo).toEqual({ name, total, code: 'UNTRUSTED_DOCUMENT', requests })

      const urql = await run(
        frontend,
        gateway,
        `import { createUrqlClient } from './src/urql'
      import { LIST, MINT, WATCH } from './src/documents'
      import { pipe, subscribe } from 'wonka'
      ${RECORD}
      CONSTANTS
      const client = createUrqlClient(url, token)
      const minted = await client.mutation(MINT, { input: { name: 'a', maxDurationSeconds: 60 } }).toPromise()
      const { upload } = minted.data.createDirectUpload
      const { data } = await client.query(LIST, {}).toPromise()
      const watched = await new Promise((resolve) => {
        pipe(client.subscription(WATCH, { uid: upload.uid }), subscribe(resolve))
      })
      console.log(JSON.stringify({
        name: upload.name,
        total: data.uploads.totalCount - 1,
        watched: watched.data.uploadStatus.status,
        requests,
      }))
      process.exit()`,
      )
      expect(urql).toEqual(EXPECTED)
    },
  )

  it('of Relay are executed', { timeout: TIMEOUT_MS }, async () => {
    const frontend = await createProject(['relay.config.json', 'src/environment.ts'])
    const documents = Object.entries({ MINT, LIST, WATCH }).map(([name, text]) => {
      const renamed = spreadless(text).replace(/(?<=^\w+ )\w+/, `documents${name}`)
      return `export const ${name} = graphql\`${renamed}\``
    })
    await frontend.write(
      'src/documents.ts',
      `import { graphql } from 'relay-runtime'\n${documents.join('\n')}`,
    )
    await runScript(frontend, 'relay.sh')
    const gateway = await startGateway(frontend, 'persisted-documents.json')
    // The artifacts, which Babel would put in place of the tags.
    const relay = await run(
      frontend,
      gateway,
      `import { commitMutation, fetchQuery, requestSubscription } from 'relay-runtime'
      import mutation from './src/__generated__/documentsMINT.graphql'
      import list from './src/__generated__/documentsLIST.graphql'
      import subscription from './src/__generated__/documentsWATCH.graphql'
      import { createEnvironment } from './src/environment'
      ${RECORD}
      CONSTANTS
      const environment = createEnvironment(url, token)
      const variables = { input: { name: 'a', maxDurationSeconds: 60 } }
      const minted = await new Promise((onCompleted, onError) => {
        commitMutation(environment, { mutation, variables, onCompleted, onError })
      })
      const { upload } = minted.createDirectUpload
      const { uploads } = await fetchQuery(environment, list, {}).toPromise()
      const watched = await new Promise((onNext, onError) => {
        requestSubscription(environment, { subscription, variables: { uid: upload.uid }, onNext, onError })
      })
      console.log(JSON.stringify({
        name: upload.name, total: uploads.totalCount, watched: watched.uploadStatus.status, requests,
      }))
      process.exit()`,
    )
    expect(relay).toEqual(EXPECTED)
  })
})
