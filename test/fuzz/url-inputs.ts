/** Input families with unusual query strings and paths. */
import * as fc from 'fast-check'
import { type RequestInput, type Header, requestInput } from './input.ts'
import { magnitude, oddJSON, oddText } from './edge-values.ts'
import { type Fixtures, authorizationOf } from './fixtures.ts'
import { ACCEPTS, METHODS, MUTATION } from './transport-inputs.ts'

const KEYS = [
  'query',
  'variables',
  'extensions',
  'operationName',
  '__proto__',
  'raw',
  '',
  'query[]',
] as const
const GET_VALUES = [
  '{__typename}',
  MUTATION,
  'subscription{uploadsChanged{uid}}',
  '{',
  '%',
  '%ff',
  '[]',
  '{"a":1}',
  'null',
  '+',
  '&&=',
] as const

/** GET requests with arbitrary query strings. */
export function queryStrings(fixtures: Fixtures): fc.Arbitrary<RequestInput> {
  const value = fc.oneof(
    fc.constantFrom(...GET_VALUES),
    oddText.map(encodeText),
    oddJSON.map((json) => encodeURIComponent(json.slice(0, 2000))),
    magnitude(12_000).map((size) => '%7B'.repeat(size / 3)),
  )
  return fc
    .tuple(
      fc.array(fc.tuple(fc.constantFrom(...KEYS), value), { maxLength: 5 }),
      fc.option(fc.constantFrom(...ACCEPTS)),
      authorizationOf(fixtures),
      fc.constantFrom('GET', 'GET', 'GET', 'HEAD', 'POST'),
    )
    .map(([pairs, accept, authorization, method]) => {
      const search = pairs.map(([key, text]) => `${key}=${text.replaceAll(' ', '%20')}`).join('&')
      const headers: readonly Header[] = accept === null ? [] : [['Accept', accept]]
      return requestInput({
        method,
        path: `/graphql?${search}`,
        headers: [...headers, ...authorization],
      })
    })
}

/** Percent-encodes a text. A lone surrogate, which `encodeURIComponent` rejects, becomes its bytes. */
function encodeText(text: string): string {
  const [whole = '', ...rest] = text.split(/\p{Surrogate}/u)
  return [whole, ...rest].map(encodeURIComponent).join('%ED%A0%80')
}

const PATHS = [
  '/nowhere /../etc/passwd /%2e%2e/%2e%2e/etc/passwd /..%2f..%2f //graphql /graphql/',
  '/graphql%00 /GRAPHQL /% /%zz /%ff /graphql;x /graphql//.. /./tus /tus/1 /webhooks',
  '/webhooks/stream/ /.env /metrics /console /__emulator/state /\\\\evil',
  '//evil.example/graphql /healthz?x /readyz#x /? /?query={__typename} /__proto__',
  '/constructor /toString /graphql/../../x /client/v4/accounts/local/stream /favicon.ico',
].flatMap((line) => line.split(' '))

/** Unknown paths, path traversal and very long paths. */
export function oddPaths(fixtures: Fixtures): fc.Arbitrary<RequestInput> {
  const path = fc.oneof(
    fc.constantFrom(...PATHS),
    oddText.map((text) => `/${encodeText(text)}`),
    magnitude(14_000).map((size) => `/${'a/'.repeat(size / 2)}`),
    magnitude(4000).map((size) => `/${'%2e%2e/'.repeat(size / 7 + 1)}`),
    fc
      .string({ unit: fc.constantFrom(...'/.%2e\\;:@?#[]{}|^`~a'.split('')), maxLength: 30 })
      .map((text) => `/${text}`),
  )
  return fc
    .tuple(
      path,
      fc.oneof(fc.constant('GET'), fc.constantFrom(...METHODS)),
      authorizationOf(fixtures),
    )
    .map(([to, method, headers]) => requestInput({ method, path: to, headers }))
}
