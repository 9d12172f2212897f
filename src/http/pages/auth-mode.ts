/** The authentication mode in the console's and GraphiQL's pages, and where both keep the caller's token. */
import { GRAPHQL_PATH } from '../graphql/endpoint.ts'

/** Key of the token in the tab's sessionStorage. */
export const SESSION_TOKEN_KEY = 'headgate-token'

/** Name of the meta element with the authentication mode. */
export const AUTH_META_NAME = 'headgate-auth'

/** The element in a built page; the gateway replaces its placeholder. */
export const AUTH_META = `<meta name="${AUTH_META_NAME}" content="unknown" />`

const PLACEHOLDER = 'content="unknown"'

/** Returns the page with the authentication mode in it, so that it need not send a request that would fail with 401. */
export function withAuthMode(page: string, requiresToken: boolean): string {
  return page.replace(PLACEHOLDER, `content="${requiresToken ? 'token' : 'disabled'}"`)
}

/** Message of a sign-in form for text that is not a token. */
export const TOKEN_EXPECTED =
  'This is not a token. A token is a JWT, such as eyJhbGci….eyJzdWIi….c2lnbmF0dXJl, without spaces.'

/** Returns the JWT in the text of a sign-in form, with or without `Bearer`; null if it contains none. */
export function tokenIn(text: string): string | null {
  const [, token] = /^(?:Bearer\s+)?([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(text.trim()) ?? []
  return token ?? null
}

/**
 * Returns why the gateway rejects the token; null if it accepts it.
 * @param query a document that the gateway executes for every caller
 * @param unreachable message if the gateway does not respond
 */
export async function rejectionOf(
  token: string,
  query: string,
  unreachable: string,
): Promise<string | null> {
  try {
    const response = await fetch(GRAPHQL_PATH, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/graphql-response+json, application/json',
        authorization: `Bearer ${token}`,
      },
      body: JSON.stringify({ query }),
    })
    return response.ok ? null : await errorMessageOf(response)
  } catch {
    return unreachable
  }
}

/** Returns the first error message of a GraphQL response. */
export async function errorMessageOf(response: Response): Promise<string> {
  try {
    const body: unknown = await response.json()
    const errors: unknown = Reflect.get(Object(body), 'errors')
    const first: unknown = Array.isArray(errors) ? errors.at(0) : null
    return String(Reflect.get(Object(first), 'message') ?? DEFAULT_MESSAGE)
  } catch {
    return DEFAULT_MESSAGE
  }
}

const DEFAULT_MESSAGE = 'The gateway rejected the token.'
