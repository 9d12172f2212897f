/** Reads what a POST asks for, where it is what clients send every day. */

/** The parameters of a request that are of use here. https://graphql.github.io/graphql-over-http/draft/#sec-Request-Parameters */
export interface Asked {
  readonly query: string
  readonly operationName: string | null
  readonly variables: Readonly<Record<string, unknown>>
}

const PARAMETERS: ReadonlySet<string> = new Set([
  'query',
  'operationName',
  'variables',
  'extensions',
])
const NO_VARIABLES = Object.freeze({})

/** Null for anything that Yoga might have a word about. */
export function readAsked(body: string): Asked | null {
  let params: unknown
  try {
    params = JSON.parse(body)
  } catch {
    return null
  }
  return askedIn(params)
}

/** The same of what has been parsed already, such as the payload of a message. */
export function askedIn(params: unknown): Asked | null {
  if (!isObject(params)) return null
  for (const name of Object.keys(params)) if (!PARAMETERS.has(name)) return null
  const { query, operationName = null, variables = null, extensions = null } = params
  if (typeof query !== 'string') return null
  if (operationName !== null && (typeof operationName !== 'string' || operationName === ''))
    return null
  if (variables !== null && !isObject(variables)) return null
  if (extensions !== null && !isObject(extensions)) return null
  return { query, operationName, variables: variables ?? NO_VARIABLES }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
