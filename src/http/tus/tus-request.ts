/** What every tus request and response has: the method override and the version. */
import type { Handler } from '../handler.ts'

export const TUS_PATH = '/tus'
export const TUS_VERSION = '1.0.0'
export const METHOD_OVERRIDE = 'x-http-method-override'

const METHODS: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
])
export const METHOD_OVERRIDE_RULE = `X-HTTP-Method-Override: must be one of ${[...METHODS].join(', ')}.`

/** Origin form or absolute form of the endpoint's URL. */
const TUS_TARGET = /^(?:https?:\/\/[^/?#]*)?\/tus\/?(?:[?#]|$)/i

/** @param target URL or request target */
export function isTusTarget(target: string): boolean {
  return TUS_TARGET.test(target)
}

/**
 * Returns the method of a tus request: the override replaces the actual method. Null if the override is not a
 * known method. Any case is accepted, because HTTP libraries do not normalize the header.
 * https://tus.io/protocols/resumable-upload#x-http-method-override
 */
export function tusMethod(method: string, override: string | null): string | null {
  if (override === null) return method
  const effective = override.toUpperCase()
  return METHODS.has(effective) ? effective : null
}

/** Returns the method for logs and metrics. The override is ignored at other endpoints. */
export function effectiveMethod(target: string, method: string, override: string | null): string {
  return isTusTarget(target) ? (tusMethod(method, override) ?? method) : method
}

/**
 * Adds the version to every response of the endpoint, whichever middleware or handler has created it.
 * https://tus.io/protocols/resumable-upload#tus-resumable
 */
export function withTusVersion(endpoint: Handler): Handler {
  return async (request, client) => {
    const response = await endpoint(request, client)
    if (isTusTarget(request.url)) response.headers.set('tus-resumable', TUS_VERSION)
    return response
  }
}
