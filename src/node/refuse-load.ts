/** The answer to a request that is not taken on: prepared once, so that refusing costs next to nothing. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AnswerHeaders } from '../http/response-headers.ts'
import { GRAPHQL_PATH } from '../http/graphql/endpoint.ts'
import type { PreparedAnswer } from '../http/raw-response.ts'
import { sendAnswer } from './server/responses.ts'

const SENTENCE = 'The gateway has more to do than it can: try again in a second.'
const PLAIN = `${SENTENCE}\n`
/** As every GraphQL error: clients read the code, people the sentence. */
const GRAPHQL = JSON.stringify({
  errors: [{ message: SENTENCE, extensions: { code: 'OVERLOADED' } }],
})
/** The media type by which a client knows that a status other than 200 is GraphQL's too. */
const RESPONSE_TYPE = 'application/graphql-response+json'
/** https://www.rfc-editor.org/rfc/rfc9110#field.retry-after, in seconds. */
const RETRY_AFTER = ['retry-after', '1']

/** By the headers that they are made of: of these there is one list for each origin and media type. */
const refusals = new WeakMap<readonly string[], PreparedAnswer>()

function refusalWith(headers: readonly string[], text: string): PreparedAnswer {
  const known = refusals.get(headers)
  if (known !== undefined) return known
  const made = { status: 503, headers: [...headers, ...RETRY_AFTER], text }
  refusals.set(headers, made)
  return made
}

/** Answers 503. The connection stays: a new one would cost more than the refusal. */
export function refuseLoad(
  request: IncomingMessage,
  response: ServerResponse,
  headersFor: AnswerHeaders,
  requestId: string,
): void {
  const { accept, origin } = request.headers
  const isGraphQL = request.url?.startsWith(GRAPHQL_PATH) === true
  const type = !isGraphQL
    ? 'text/plain'
    : accept?.includes(RESPONSE_TYPE) === true
      ? RESPONSE_TYPE
      : 'application/json'
  const headers = headersFor(origin ?? null, `${type}; charset=utf-8`)
  sendAnswer(response, refusalWith(headers, isGraphQL ? GRAPHQL : PLAIN), requestId)
}
