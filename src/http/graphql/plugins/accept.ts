/** Content negotiation by the `Accept` header. Results have three media types; subscriptions only one of them. */
import { GraphQLError } from 'graphql'
import { getSSEProcessor, isAsyncIterable, processRegularResult } from 'graphql-yoga'
import { type Accept, parseAccept, preferredMediaType, qualityOf } from '../../header-lists.ts'
import type { GatewayPlugin } from './plugin.ts'

export const JSON_TYPE = 'application/json'
export const GRAPHQL_RESPONSE = 'application/graphql-response+json'
const EVENT_STREAM = 'text/event-stream'

/** A request that accepts none of them is not executed. */
export const RESULT_MEDIA_TYPES = [JSON_TYPE, GRAPHQL_RESPONSE, EVENT_STREAM] as const

/**
 * Returns the media type of a result or an error that is not a stream. Null if the client accepts none. JSON comes
 * before an event stream that the client accepts as much.
 */
export function resultMediaType(accept: Accept): (typeof RESULT_MEDIA_TYPES)[number] | null {
  const json = jsonMediaType(accept)
  if (json === null) return preferredMediaType(accept, [EVENT_STREAM])
  return qualityOf(accept, EVENT_STREAM) > qualityOf(accept, json) ? EVENT_STREAM : json
}

/** Returns the JSON media type that the client prefers. Null if it accepts none. */
export function jsonMediaType(accept: Accept): typeof JSON_TYPE | typeof GRAPHQL_RESPONSE | null {
  return preferredMediaType(accept, [JSON_TYPE, GRAPHQL_RESPONSE])
}

const processEvents = getSSEProcessor()

/**
 * Chooses the media type of the response, because Yoga ignores quality values. Responds 406 to a subscription whose
 * client accepts no event stream: Yoga would send no body, and never end the subscription. Whether an operation is
 * a subscription is only known once it is parsed.
 */
export const contentNegotiationPlugin: GatewayPlugin = {
  async onResultProcess(payload) {
    const { request, result, serverContext } = payload
    const accept = serverContext.accept ?? parseAccept(request.headers.get('accept'))
    const isStream = isAsyncIterable(result)
    const mediaType = isStream
      ? preferredMediaType(accept, [EVENT_STREAM])
      : resultMediaType(accept)
    if (mediaType === EVENT_STREAM) {
      payload.setResultProcessor(processEvents, EVENT_STREAM)
      return
    }
    if (mediaType === null) {
      if (isStream) await result[Symbol.asyncIterator]().return?.()
      payload.setResult({ errors: [notAcceptableError()] })
    }
    payload.setResultProcessor(
      processRegularResult,
      mediaType ?? jsonMediaType(accept) ?? JSON_TYPE,
    )
  },
}

function notAcceptableError(): GraphQLError {
  return new GraphQLError(`Not acceptable. The result is sent as ${EVENT_STREAM}.`, {
    extensions: { code: 'NOT_ACCEPTABLE', http: { status: 406 } },
  })
}
