/** Valid, invalid and malicious requests to /graphql, with a token in every place that takes text. */
import type { Tokens } from './test-secrets.ts'
import { type NamedRequest, sseRequest, graphqlRequest } from './send-requests.ts'
import {
  DELETE,
  UPDATE,
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

/** Requests without a token or with an invalid one: all are rejected. */
export function rejectedTokenRequests({ rejected }: Tokens): NamedRequest[] {
  const requests = rejected.flatMap(({ text, secret: { name } }) => [
    graphqlRequest(`a list by ${name}`, text, UPLOADS),
    sseRequest(`events by ${name}`, text, WATCH_ALL),
    { ...graphqlRequest(`a list by ${name} as Basic`, null, UPLOADS), headers: basic(text) },
  ])
  return [graphqlRequest('a list without a token', null, UPLOADS), ...requests]
}

function basic(token: string): Record<string, string> {
  return { ...JSON_TYPE, authorization: `Basic ${btoa(`ada:${token}`)}` }
}

/** Well-formed requests with Ada's token, some for uploads that do not exist. */
export function ordinaryRequests({ ada }: Tokens): NamedRequest[] {
  const token = ada.text
  return [
    graphqlRequest('the storage', token, STORAGE),
    graphqlRequest('a recommendation', token, RECOMMENDED, { bytes: 300_000_000 }),
    graphqlRequest('a missing upload', token, UPLOAD_OF, { uid: 'f'.repeat(32) }),
    graphqlRequest('a deletion of a missing upload', token, DELETE, { uid: 'f'.repeat(32) }),
    graphqlRequest('a change of a missing upload', token, UPDATE, {
      input: { uid: 'f'.repeat(32), name: 'a' },
    }),
    sseRequest('events of a missing upload', token, WATCH, { uid: 'f'.repeat(32) }),
    graphqlRequest('too many minutes', token, MINT_BASIC, {
      input: { maxDurationSeconds: 36_000 },
    }),
    graphqlRequest('an invalid duration', token, MINT_BASIC, { input: { maxDurationSeconds: -1 } }),
  ]
}

/** Requests with Ada's token in place of other values: in documents, variables, bodies and URLs. */
export function pastedTokenRequests({ ada }: Tokens): NamedRequest[] {
  const { text: token, secret } = ada
  const authHeader = { authorization: `Bearer ${token}` }
  const jsonHeaders = { ...JSON_TYPE, ...authHeader }
  const query = (name: string, document: string, variables?: object) =>
    graphqlRequest(name, token, document, variables)
  const input = (name: string, field: object) =>
    query(name, MINT_BASIC, { input: { maxDurationSeconds: 60, ...field } })
  const get = (name: string, search: string): NamedRequest => ({
    name,
    path: `/graphql?${search}`,
    headers: authHeader,
  })
  const post = (
    name: string,
    body: string,
    headers: Record<string, string> = jsonHeaders,
  ): NamedRequest => ({
    name,
    path: '/graphql',
    method: 'POST',
    headers,
    body,
  })
  const requests: NamedRequest[] = [
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
    input('a token for a timestamp', { expiry: token }),
    input('a token for meta', { meta: token }),
    input('a token in a name', { name: `${token}${'x'.repeat(256)}` }),
    input('a token in an origin', { allowedOrigins: [`https://${token}.example.com`] }),
    input('a token for a creator', { creator: token }),
    input('a token for a key', { idempotencyKey: `${token}${'x'.repeat(256)}` }),
    query('too deep', `{ uploads { nodes ${'{ node '.repeat(12)} ${'}'.repeat(12)} } } # ${token}`),
    query('too many aliases', `{ ${'x: __typename '.repeat(60)} } # ${token}`),
    query('too long', `{ ${'__typename '.repeat(1100)} } # ${token}`),
    sseRequest('events of a token', token, WATCH, { uid: token }),
    post('a malformed body', `{"query":"{ __typename }","${token}`),
    post('a token for a body', `"${token}"`),
    post('an operation of that name', JSON.stringify({ query: STORAGE, operationName: token })),
    post('a batch', JSON.stringify([{ query: STORAGE, id: token }])),
    post('a large body', JSON.stringify({ query: STORAGE, pad: token.repeat(2000) })),
    post('a form', `query=${token}`, { ...authHeader, 'content-type': 'text/plain' }),
    get('a token in the query string', `query=${encodeURIComponent(STORAGE)}&token=${token}`),
    get('malformed variables', `query={__typename}&variables={${token}`),
    get('a mutation by GET', `query=${encodeURIComponent(`mutation{x(y:"${token}")}`)}`),
    {
      name: 'GraphiQL with a token',
      path: `/graphql?query=${token}`,
      headers: { accept: 'text/html', ...authHeader },
    },
    {
      name: 'PUT',
      path: `/graphql?token=${token}`,
      method: 'PUT',
      headers: jsonHeaders,
      body: token,
    },
    {
      name: 'a preflight of another origin',
      path: `/graphql?token=${token}`,
      method: 'OPTIONS',
      headers: { origin: 'https://elsewhere.example.com', 'access-control-request-method': 'POST' },
    },
  ]
  return requests.map((request) => Object.assign(request, { own: [secret] }))
}
