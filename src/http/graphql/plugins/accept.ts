/** Content negotiation by the `Accept` header. Results have three media types; subscriptions only one of them. */
import { GraphQLError } from 'graphql'
import { isAsyncIterable, processRegularResult } from 'graphql-yoga'
import type { GatewayPlugin } from './plugin.ts'

const GRAPHQL_RESPONSE = 'application/graphql-response+json'
const JSON_TYPE = 'application/json'
const EVENT_STREAM = 'text/event-stream'

/** A request that accepts none of them is not executed. */
export const RESULT_MEDIA_TYPES = [GRAPHQL_RESPONSE, JSON_TYPE, EVENT_STREAM] as const

/** Whether `Accept` allows a media type, by Yoga's rules: a missing header accepts all, `q` is ignored, only UTF-8. */
function accepts(header: string | null, mediaType: string): boolean {
  const [type, subtype] = mediaType.split('/')
  return (header || '*/*')
    .replaceAll(/\s/g, '')
    .toLowerCase()
    .split(',')
    .some((range) => {
      const [name = '', ...parameters] = range.split(';')
      const charset = parameters.find((parameter) => parameter.includes('charset='))
      if (charset !== undefined && charset !== 'charset=utf-8') return false
      const [rangeType, rangeSubtype] = name.split('/')
      return (
        (rangeType === '*' || rangeType === type) &&
        (rangeSubtype === '*' || rangeSubtype === subtype)
      )
    })
}

/** Whether the client accepts any media type of a result. @param header `Accept`; null if missing */
export function acceptsResults(header: string | null): boolean {
  return RESULT_MEDIA_TYPES.some((mediaType) => accepts(header, mediaType))
}

/**
 * Responds 406 to a subscription whose client accepts no event stream. Yoga would send 406 without a body, and
 * never end the subscription. Whether an operation is a subscription is only known once it is parsed.
 */
export const notAcceptablePlugin: GatewayPlugin = {
  async onResultProcess(payload) {
    const { request, result } = payload
    if (payload.resultProcessor !== undefined) return
    if (isAsyncIterable(result)) await result[Symbol.asyncIterator]().return?.()
    payload.setResult({ errors: [notAcceptableError()] })
    const acceptsGraphQLResponse = accepts(request.headers.get('accept'), GRAPHQL_RESPONSE)
    payload.setResultProcessor(
      processRegularResult,
      acceptsGraphQLResponse ? GRAPHQL_RESPONSE : JSON_TYPE,
    )
  },
}

function notAcceptableError(): GraphQLError {
  return new GraphQLError(`Not acceptable. The result is sent as ${EVENT_STREAM}.`, {
    extensions: { code: 'NOT_ACCEPTABLE', http: { status: 406 } },
  })
}
