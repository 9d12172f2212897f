/** What callers send to /graphql by mistake or in malice, with a token pasted wherever one can be. */
import type { Tokens } from './test-secrets.ts'
import { type Knock, eventsKnock, graphqlKnock } from './send-requests.ts'
import {
  DELETE,
  MINT_BASIC,
  MINT_TUS,
  NODES,
  RECOMMENDED,
  STORAGE,
  UPLOADS,
  UPLOAD_OF,
  WATCH,
  WATCH_ALL,
} from './operations.ts'

const JSON_TYPE = { 'content-type': 'application/json' }

/** Nobody of these is let in. */
export function strangersRequests({ refused }: Tokens): Knock[] {
  const asked = refused.flatMap(({ text, secret: { name } }) => [
    graphqlKnock(`a list by ${name}`, text, UPLOADS),
    eventsKnock(`events by ${name}`, text, WATCH_ALL),
    { ...graphqlKnock(`a list by ${name} as Basic`, null, UPLOADS), headers: basic(text) },
  ])
  return [graphqlKnock('a list by nobody', null, UPLOADS), ...asked]
}

function basic(token: string): Record<string, string> {
  return { ...JSON_TYPE, authorization: `Basic ${btoa(`ada:${token}`)}` }
}

/** Ada asks as one should, and of what is not there. */
export function plainRequests({ ada }: Tokens): Knock[] {
  const token = ada.text
  return [
    graphqlKnock('the storage', token, STORAGE),
    graphqlKnock('a recommendation', token, RECOMMENDED, { bytes: 300_000_000 }),
    graphqlKnock('no such upload', token, UPLOAD_OF, { uid: 'f'.repeat(32) }),
    graphqlKnock('a deletion of nothing', token, DELETE, { uid: 'f'.repeat(32) }),
    eventsKnock('events of nothing', token, WATCH, { uid: 'f'.repeat(32) }),
    graphqlKnock('too many minutes', token, MINT_BASIC, { input: { maxDurationSeconds: 36_000 } }),
    graphqlKnock('a refused length', token, MINT_BASIC, { input: { maxDurationSeconds: -1 } }),
  ]
}

/** Ada pastes her token where something else belongs: in documents, variables, bodies, addresses. */
export function pastedRequests({ ada }: Tokens): Knock[] {
  const { text: token, secret } = ada
  const header = { authorization: `Bearer ${token}` }
  const sent = { ...JSON_TYPE, ...header }
  const query = (name: string, document: string, variables?: object) =>
    graphqlKnock(name, token, document, variables)
  const input = (name: string, field: object) =>
    query(name, MINT_BASIC, { input: { maxDurationSeconds: 60, ...field } })
  const get = (name: string, search: string): Knock => ({
    name,
    path: `/graphql?${search}`,
    headers: header,
  })
  const post = (name: string, body: string, headers: Record<string, string> = sent): Knock => ({
    name,
    path: '/graphql',
    method: 'POST',
    headers,
    body,
  })
  const knocks: Knock[] = [
    query('a syntax error', `{ upload(uid: "${token}") { uid `),
    query('an unknown field', `{ upload(uid: "${token}") { nothing } }`),
    query('a literal of a wrong type', `{ recommendedProtocol(sizeBytes: "${token}") { reason } }`),
    query('a token for a uid', `{ upload(uid: "${token}") { uid } }`),
    query('a token for a variable', UPLOAD_OF, { uid: token }),
    query('a token for an id', NODES, { id: token }),
    query('a token for a cursor', UPLOADS, { after: token }),
    query('a token for a creator to list', UPLOADS, { filter: { creator: token } }),
    query('a token for a whole input', MINT_BASIC, { input: token }),
    query('a token for a deletion', DELETE, { uid: token }),
    query('a token for a size', MINT_TUS, { input: { maxDurationSeconds: 60, sizeBytes: token } }),
    query('a token in a key of meta', MINT_TUS, {
      input: { maxDurationSeconds: 60, sizeBytes: 10, meta: { [`${token} `]: 'x' } },
    }),
    input('a token for a moment', { expiry: token }),
    input('a token for meta', { meta: token }),
    input('a token in a name', { name: `${token}${'x'.repeat(256)}` }),
    input('a token in an origin', { allowedOrigins: [`https://${token}.example.com`] }),
    input('a token for a creator', { creator: token }),
    input('a token for a key', { idempotencyKey: `${token}${'x'.repeat(256)}` }),
    query('too deep', `{ uploads { nodes ${'{ node '.repeat(12)} ${'}'.repeat(12)} } } # ${token}`),
    query('too many aliases', `{ ${'x: __typename '.repeat(60)} } # ${token}`),
    query('too long', `{ ${'__typename '.repeat(1100)} } # ${token}`),
    eventsKnock('events of a token', token, WATCH, { uid: token }),
    post('a malformed body', `{"query":"{ __typename }","${token}`),
    post('a token for a body', `"${token}"`),
    post('an operation of that name', JSON.stringify({ query: STORAGE, operationName: token })),
    post('a batch', JSON.stringify([{ query: STORAGE, id: token }])),
    post('a large body', JSON.stringify({ query: STORAGE, pad: token.repeat(2000) })),
    post('a form', `query=${token}`, { ...header, 'content-type': 'text/plain' }),
    get('a token in the query string', `query=${encodeURIComponent(STORAGE)}&token=${token}`),
    get('malformed variables', `query={__typename}&variables={${token}`),
    get('a mutation by GET', `query=${encodeURIComponent(`mutation{x(y:"${token}")}`)}`),
    {
      name: 'GraphiQL with a token',
      path: `/graphql?query=${token}`,
      headers: { accept: 'text/html', ...header },
    },
    { name: 'PUT', path: `/graphql?token=${token}`, method: 'PUT', headers: sent, body: token },
    {
      name: 'a preflight of another page',
      path: `/graphql?token=${token}`,
      method: 'OPTIONS',
      headers: { origin: 'https://elsewhere.example.com', 'access-control-request-method': 'POST' },
    },
  ]
  return knocks.map((knock) => Object.assign(knock, { own: [secret] }))
}
