/** Finds the token in the payload of `connection_init`, where the protocol does not say which member holds it. */
import { isRecord } from '../../../shared/json.ts'

type Payload = Readonly<Record<string, unknown>>

/** Value for the authenticator: as in an Authorization header, or null if the payload has no token. */
export type TokenInPayload =
  | { readonly kind: 'found'; readonly authorization: string | null }
  /** `reason` is sent to the client. */
  | { readonly kind: 'invalid'; readonly reason: string }

const JWT = /^\s*[\w-]+\.[\w-]+\.[\w-]+\s*$/

/**
 * Reads the first of `authorization`, `headers.authorization` (both in any case), `authToken` and `token` that is
 * not null. The scheme `Bearer` is optional.
 */
export function tokenInPayload(given: Payload | null | undefined): TokenInPayload {
  // graphql-ws lets null pass as a payload.
  const payload = given ?? {}
  const { headers = null } = payload
  if (headers !== null && !isRecord(headers)) return invalid('headers', 'an object')
  const candidates = [
    ...authorizationIn(payload),
    ...authorizationIn(headers ?? {}).map(([name, value]) => [`headers.${name}`, value] as const),
    ['authToken', payload['authToken']] as const,
    ['token', payload['token']] as const,
  ]
  const [name, value] = candidates.find(([, each]) => each !== null && each !== undefined) ?? []
  if (name === undefined) return { kind: 'found', authorization: null }
  if (typeof value !== 'string') return invalid(name, 'a string')
  return { kind: 'found', authorization: JWT.test(value) ? `Bearer ${value.trim()}` : value }
}

function authorizationIn(members: Payload): readonly (readonly [name: string, value: unknown])[] {
  return Object.entries(members).filter(([name]) => name.toLowerCase() === 'authorization')
}

function invalid(name: string, type: string): TokenInPayload {
  return {
    kind: 'invalid',
    reason: `Invalid payload of connection_init: \`${name}\` must be ${type}.`,
  }
}
