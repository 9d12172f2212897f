/** What every tus request and response has, at the REST API and at the upload host. */
import type { IncomingMessage } from 'node:http'

import type { ResponseOrDisconnect } from './http-response.ts'

export const TUS_VERSION = '1.0.0'

const METHODS: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
])
export const METHOD_OVERRIDE_RULE = `X-HTTP-Method-Override must be one of ${[...METHODS].join(', ')}.`

const ORIGIN = '^(?:https?://[^/?#]*)?'
/** Request targets, in origin form or absolute form. */
const TUS_URL = new RegExp(`${ORIGIN}/tus/`, 'i')
const CREATION = new RegExp(`${ORIGIN}/client/v4/accounts/[^/?#]+/stream/?(?:[?#]|$)`, 'i')

/**
 * Returns the method of a request to an upload URL or a tus creation: the override replaces the actual method.
 * Null if the override is not a known method.
 * https://tus.io/protocols/resumable-upload#x-http-method-override
 */
export function effectiveMethod({ method = '', headers }: IncomingMessage): string | null {
  const override = headers['x-http-method-override']
  if (override === undefined) return method
  const effective = String(override).toUpperCase()
  return METHODS.has(effective) ? effective : null
}

/**
 * Adds the version to every response of tus: those of upload URLs, and those of the creation endpoint except
 * for lists, which have the same URL. https://tus.io/protocols/resumable-upload#tus-resumable
 */
export function withTusVersion(
  request: IncomingMessage,
  response: ResponseOrDisconnect,
): ResponseOrDisconnect {
  const { url = '' } = request
  const isTus = TUS_URL.test(url) || (CREATION.test(url) && effectiveMethod(request) !== 'GET')
  if (response === null || !isTus) return response
  return { ...response, headers: { ...response.headers, 'tus-resumable': TUS_VERSION } }
}
