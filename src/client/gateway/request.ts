/** One request to the gateway's GraphQL door, with the caller's token. */
import { errorsFrom, gatewayFailed, unreadable } from './response-errors.ts'
import { type Shape, isObject } from '../shape.ts'
import { type UploadError, uploadError } from '../upload-error.ts'

/** How the gateway is reached. */
export interface GatewayDoor {
  /** Of the GraphQL door. */
  readonly url: string
  readonly fetch: typeof globalThis.fetch
  /** The caller's token as of now; null where the gateway asks for none. */
  readonly token: () => Promise<string | null>
}

/** A document, and the variables it is sent with. */
export interface Question {
  readonly query: string
  readonly variables: Readonly<Record<string, unknown>>
}

/**
 * What the document's `outcome` field holds, whatever it is: the caller reads it.
 * @throws UploadError where there is none
 */
export async function ask(
  door: GatewayDoor,
  question: Question,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  const response = await knock(door, question, 'application/json', signal)
  let answer: unknown
  try {
    answer = await response.json()
  } catch {
    signal?.throwIfAborted()
    // Cut in the middle, or no GraphQL at all.
    throw response.ok ? lost() : gatewayFailed(statusSentence(response), response.status >= 500)
  }
  return outcomeOf(answer, question)
}

/** The same, where only one shape of outcome is right. */
export async function askFor<T>(
  door: GatewayDoor,
  question: Question,
  shape: Shape<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  const outcome = await ask(door, question, signal)
  if (!shape.is(outcome)) throw unreadable('its outcome')
  return outcome
}

/** `data.outcome` of an execution result; throws what its `errors` say. */
export function outcomeOf(answer: unknown, { variables }: Question): unknown {
  if (!isObject(answer)) throw unreadable('the whole')
  const { data, errors } = answer
  const uid = typeof variables['uid'] === 'string' ? variables['uid'] : ''
  if (Array.isArray(errors) && errors.length > 0) throw errorsFrom(errors, uid)
  if (!isObject(data)) throw unreadable('its data')
  return data['outcome']
}

/**
 * Sends the question; the answer's body is unread. A token that is refused is asked for once more,
 * since it may have lapsed a moment ago.
 */
export async function knock(
  door: GatewayDoor,
  question: Question,
  accept: string,
  signal: AbortSignal | undefined,
): Promise<Response> {
  let token = await door.token()
  let response = await send(door, question, accept, token, signal)
  if (response.status === 401) {
    const fresh = await door.token()
    if (fresh !== token) {
      await response.body?.cancel()
      token = fresh
      response = await send(door, question, accept, token, signal)
    }
  }
  return response
}

async function send(
  { fetch, url }: GatewayDoor,
  question: Question,
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
      body: JSON.stringify(question),
      ...(signal === undefined ? {} : { signal }),
    })
  } catch {
    signal?.throwIfAborted()
    throw lost()
  }
}

/** The gateway was not reached, or its answer was lost. */
export function lost(): UploadError {
  return uploadError(
    'The gateway was not reached, or its answer was lost on the way. In a browser it also looks like this where ALLOWED_ORIGINS of the gateway does not name the origin of the page.',
    {
      code: 'NETWORK',
    },
  )
}

export function statusSentence({ status }: Response): string {
  return `The address of the gateway answered ${status}, and not with GraphQL.`
}
