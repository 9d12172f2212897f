/** Apollo Client 3 and 4 and urql with persisted queries: each falls back to the text of the query. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type Frontend,
  createFrontend,
  hasNoPackages,
  packagesHint,
} from '../browser/kit/frontend.ts'
import { TEST_SECRET, startTestGateway, tokenFor } from '../kit/gateway.ts'

let frontend: Frontend
beforeAll(async () => {
  frontend = await createFrontend()
})
afterAll(() => frontend.remove())

const HASH = `
  import { createHash } from 'node:crypto'
  const sha256 = (text) => createHash('sha256').update(text).digest('hex')`

/** Records the requests of \`fetch\`: the method, and whether the text of the query was sent. */
const RECORD = `
  const requests = []
  const recordingFetch = (url, init) => {
    const hasText = /query["=]/.test(String(url).split('?')[1] ?? '') || /"query":/.test(init.body ?? '')
    requests.push(init.method + (hasText ? ' text' : ' hash'))
    return fetch(url, init)
  }`

/** Executes two queries and a mutation, and prints their results. @param options of the link */
function apollo(packageName: string, options: string): (url: string, token: string) => string {
  const isV3 = packageName.endsWith('3')
  const core = isV3 ? `${packageName}/core/index.js` : packageName
  const links = isV3
    ? `${packageName}/link/persisted-queries/index.js`
    : `${packageName}/link/persisted-queries`
  const create = isV3 ? 'createPersistedQueryLink' : 'PersistedQueryLink'
  return (url, token) => `
  import { ApolloClient, HttpLink, InMemoryCache, gql } from '${core}'
  import { ${create} } from '${links}'
  ${HASH}
  ${RECORD}
  const persisted = ${isV3 ? '' : 'new '}${create}({ sha256, ...${options} })
  const http = new HttpLink({ uri: '${url}', fetch: recordingFetch, headers: { authorization: 'Bearer ${token}' } })
  const client = new ApolloClient({ cache: new InMemoryCache(), link: persisted.concat(http) })
  const first = await client.query({ query: gql\`{ uploads { totalCount } }\` })
  const second = await client.query({ query: gql\`query ($first: Int) { uploads(first: $first) { totalCount } }\`, variables: { first: 5 } })
  const mutation = gql\`mutation ($uid: ID!) { deleteUpload(uid: $uid) { __typename } }\`
  const third = await client.mutate({ mutation, variables: { uid: 'f'.repeat(32) } })
  console.log(JSON.stringify({
    totals: [first.data.uploads.totalCount, second.data.uploads.totalCount],
    mutation: third.data.deleteUpload.__typename,
    requests,
  }))
  client.stop()`
}

function urql(options: string): (url: string, token: string) => string {
  return (url, token) => `
  import { Client, fetchExchange, gql } from '@urql/core'
  import { persistedExchange } from '@urql/exchange-persisted'
  ${RECORD}
  const client = new Client({
    url: '${url}',
    fetch: recordingFetch,
    fetchOptions: { headers: { authorization: 'Bearer ${token}' } },
    exchanges: [persistedExchange(${options}), fetchExchange],
  })
  const unwrap = ({ data, error }) => {
    if (error) throw error
    return data
  }
  const first = unwrap(await client.query('{ uploads { totalCount } }', {}).toPromise())
  const second = unwrap(await client.query('query ($first: Int) { uploads(first: $first) { totalCount } }', { first: 5 }).toPromise())
  const mutation = 'mutation ($uid: ID!) { deleteUpload(uid: $uid) { __typename } }'
  const third = unwrap(await client.mutation(mutation, { uid: 'f'.repeat(32) }).toPromise())
  console.log(JSON.stringify({
    totals: [first.uploads.totalCount, second.uploads.totalCount],
    mutation: third.deleteUpload.__typename,
    requests,
  }))`
}

describe.skipIf(hasNoPackages)(`persisted queries${packagesHint}`, () => {
  it.each([
    [
      'Apollo Client 3',
      apollo('apollo-client-3', '{}'),
      ['POST hash', 'POST text', 'POST text', 'POST text'],
    ],
    [
      'Apollo Client 3 with GET',
      apollo('apollo-client-3', '{ useGETForHashedQueries: true }'),
      ['GET hash', 'POST text', 'POST text', 'POST text'],
    ],
    [
      'Apollo Client 4',
      apollo('@apollo/client', '{}'),
      ['POST hash', 'POST text', 'POST text', 'POST text'],
    ],
    [
      'Apollo Client 4 with GET',
      apollo('@apollo/client', '{ useGETForHashedQueries: true }'),
      ['GET hash', 'POST text', 'POST text', 'POST text'],
    ],
    [
      'urql',
      urql('{ enableForMutation: true, preferGetForPersistedQueries: false }'),
      ['POST hash', 'POST text', 'GET text', 'POST text'],
    ],
    [
      'urql with GET',
      urql("{ preferGetForPersistedQueries: 'force' }"),
      ['GET hash', 'GET text', 'GET text', 'POST text'],
    ],
  ])(
    'of %s fall back to the text, and later requests send it at once',
    async (_name, code, requests) => {
      const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
      await frontend.write('run.mjs', code(`${gateway.url}/graphql`, await tokenFor('ada')))
      const { stdout, stderr } = await frontend.node('run.mjs')
      expect(stderr).toBe('')
      expect(JSON.parse(stdout)).toEqual({
        totals: [0, 0],
        mutation: 'UploadNotFoundError',
        requests,
      })
    },
  )

  it('leave subscriptions of urql to server-sent events, with their text', async () => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    const token = await tokenFor('ada')
    await frontend.write(
      'subscribe.mjs',
      `
  import { Client, fetchExchange } from '@urql/core'
  import { persistedExchange } from '@urql/exchange-persisted'
  import { pipe, subscribe } from 'wonka'
  ${RECORD}
  const client = new Client({
    url: '${gateway.url}/graphql',
    fetch: recordingFetch,
    fetchSubscriptions: true,
    fetchOptions: { headers: { authorization: 'Bearer ${token}' } },
    exchanges: [persistedExchange(), fetchExchange],
  })
  const watch = 'subscription ($uid: ID!) { uploadStatus(uid: $uid) { status } }'
  const result = await new Promise((resolve) => {
    pipe(client.subscription(watch, { uid: 'f'.repeat(32) }), subscribe(resolve))
  })
  console.log(JSON.stringify({ code: result.error.graphQLErrors[0].extensions.code, requests }))
  process.exit()`,
    )
    const { stdout, stderr } = await frontend.node('subscribe.mjs')
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toEqual({
      code: 'UPLOAD_NOT_FOUND',
      requests: ['POST text'],
    })
  })
})
