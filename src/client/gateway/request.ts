/** Sends one GraphQL-over-HTTP request with the caller's token. */
import { errorFromGraphQLErrors, gatewayError, invalidResponse } from './response-errors.ts'
import { isTemporaryStatus } from '../retry.ts'
import { type Shape, isObject } from '../shape.ts'
import { type UploadError, uploadError } from '../upload-error.ts'

/** Address, transport and token of one gateway. */
export interface GatewayEndpoint {
  /** URL of the GraphQL endpoint. */
  readonly url: string
  readonly fetch: typeof globalThis.fetch
  /** Current token of the caller; null if the gateway requires none. */
  readonly token: () => Promise<string | null>
}

/** A document and its variables. */
export interface GraphQLRequest {
  readonly query: string
  readonly variables: Readonly<Record<string, unknown>>
}

/**
 * Returns the document's `outcome` field, unvalidated.
 * @throws UploadError for GraphQL errors and for responses that are not GraphQL
 */
export async function execute(
  endpoint: GatewayEndpoint,
  request: GraphQLRequest,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  const response = await sendRequest(endpoint, request, 'application/json', signal)
  let result: unknown
  try {
    result = await response.json()
  } catch {
    signal?.throwIfAborted()
    // The body was cut off, or is not JSON.
    throw response.ok
      ? unreachable(endpoint)
      : gatewayError(unexpectedStatusMessage(response), isTemporaryStatus(response.status))
  }
  return outcomeFrom(result, request)
}

/** Like `execute`, and validates the outcome. */
export async function executeTyped<T>(
  endpoint: GatewayEndpoint,
  request: GraphQLRequest,
  shape: Shape<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  const outcome = await execute(endpoint, request, signal)
  if (!shape.is(outcome)) throw invalidResponse('the outcome')
  return outcome
}

/** Returns `data.outcome` of an execution result; throws the first of its `errors`. */
export function outcomeFrom(result: unknown, { variables }: GraphQLRequest): unknown {
  if (!isObject(result)) throw invalidResponse('the response')
  const { data, errors } = result
  const uid = typeof variables['uid'] === 'string' ? variables['uid'] : ''
  if (Array.isArray(errors) && errors.length > 0) throw errorFromGraphQLErrors(errors, uid)
  if (!isObject(data)) throw invalidResponse('the data')
  return data['outcome']
}

/**
 * Sends the request and returns the response with its body unread. After a 401 the token is read
 * once more, since it may have expired in between; a new token is sent.
 */
export async function sendRequest(
  endpoint: GatewayEndpoint,
  request: GraphQLRequest,
  accept: string,
  signal: AbortSignal | undefined,
): Promise<Response> {
  let token = await endpoint.token()
  let response = await send(endpoint, request, accept, token, signal)
  if (response.status === 401) {
    const renewed = await endpoint.token()
    if (renewed !== token) {
      await response.body?.cancel()
      token = renewed
      response = await send(endpoint, request, accept, token, signal)
    }
  }
  return response
}

async function send(
  { fetch, url }: GatewayEndpoint,
  request: GraphQLRequest,
  accept: string,
  token: string | null,
  signal: AbortSignal | undefined,
): Promise<Response> {
  try {
    return await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept,
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify(request),
      ...(signal === undefined ? {} : { signal }),
    })
  } catch {
    signal?.throwIfAborted()
    throw unreachable({ url })
  }
}

/** No response of the gateway arrived, or its body is no JSON. */
function unreachable({ url }: Pick<GatewayEndpoint, 'url'>): UploadError {
  return uploadError(
    `The gateway is unreachable at ${url}, or its response was lost. Check the URL. In a browser, also check that ALLOWED_ORIGINS of the gateway contains the origin of the page.`,
    { code: 'NETWORK' },
  )
}

/** The gateway's response began, and its connection broke or ended early. */
export function networkError(): UploadError {
  return uploadError('The connection to the gateway was lost.', { code: 'NETWORK' })
}

export function unexpectedStatusMessage({ status }: Response): string {
  return `The gateway URL responded with status ${status} and without GraphQL. Check the URL.`
}
