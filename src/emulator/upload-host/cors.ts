/** CORS of the upload host: any page of any origin may send to a one-time URL. */
import type { IncomingMessage } from 'node:http'

import { answer, type Answer, type AnswerOrCut } from '../http-response.ts'

const EXPOSED = [
  'Location',
  'Upload-Offset',
  'Upload-Length',
  'Upload-Metadata',
  'Tus-Resumable',
  'Tus-Version',
  'Tus-Extension',
  'Tus-Max-Size',
  'stream-media-id',
].join(', ')

const USUAL_HEADERS = [
  'Content-Type',
  'Tus-Resumable',
  'Upload-Length',
  'Upload-Metadata',
  'Upload-Offset',
  'X-HTTP-Method-Override',
  'X-Request-ID',
  'X-Requested-With',
].join(', ')

/** Lets any origin read the answer. */
export function withCors(given: AnswerOrCut): AnswerOrCut {
  if (given === null) return null
  const headers = {
    ...given.headers,
    'access-control-allow-origin': '*',
    'access-control-expose-headers': EXPOSED,
  }
  return { ...given, headers }
}

/** The answer to OPTIONS: what a browser may send, and for tus what the server can do. */
export function preflight(
  request: IncomingMessage,
  methods: string,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  // A wildcard would not cover Authorization, which some clients send out of habit.
  const asked = request.headers['access-control-request-headers']
  return answer(204, {
    ...headers,
    'access-control-allow-methods': methods,
    'access-control-allow-headers': asked ?? USUAL_HEADERS,
    'access-control-max-age': '86400',
    vary: 'Access-Control-Request-Headers',
  })
}
