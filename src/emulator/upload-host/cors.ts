/** CORS headers of the upload host: pages of any origin may use an upload URL. */
import type { IncomingMessage } from 'node:http'

import { httpResponse, type HttpResponse, type ResponseOrDisconnect } from '../http-response.ts'

const EXPOSED_HEADERS = [
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

const DEFAULT_ALLOWED_HEADERS = [
  'Content-Type',
  'Tus-Resumable',
  'Upload-Length',
  'Upload-Metadata',
  'Upload-Offset',
  'X-HTTP-Method-Override',
  'X-Request-ID',
  'X-Requested-With',
].join(', ')

/** Adds the headers that let any origin read the response. */
export function withCors(response: ResponseOrDisconnect): ResponseOrDisconnect {
  if (response === null) return null
  const headers = {
    ...response.headers,
    'access-control-allow-origin': '*',
    'access-control-expose-headers': EXPOSED_HEADERS,
  }
  return { ...response, headers }
}

/** Returns the response to OPTIONS. @param headers additional headers, for tus its capabilities */
export function preflight(
  request: IncomingMessage,
  methods: string,
  headers: Readonly<Record<string, string>> = {},
): HttpResponse {
  // Echoed, because a wildcard would not cover Authorization, which some clients send.
  const requested = request.headers['access-control-request-headers']
  return httpResponse(204, {
    ...headers,
    'access-control-allow-methods': methods,
    'access-control-allow-headers': requested ?? DEFAULT_ALLOWED_HEADERS,
    'access-control-max-age': '86400',
    vary: 'Access-Control-Request-Headers',
  })
}
