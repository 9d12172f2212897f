/** The URL of the gateway, as the caller states it. */
import { invalidInput } from '../upload-error.ts'

/** `fetch` rejects a URL with credentials. https://fetch.spec.whatwg.org/#dom-request */
const HTTP_URL = /^https?:\/\/[^/?#@]+(?:[/?#]|$)/i

const RULE =
  'must be an absolute http or https URL without credentials, such as "https://uploads.example.com/graphql". A relative URL works only in a page.'

/**
 * Returns an absolute URL. A relative one is resolved by the URL of the page.
 * @throws UploadError INVALID_INPUT if every request to the URL would fail
 */
export function gatewayURL(url: unknown): string {
  const text = typeof url === 'string' || url instanceof URL ? String(url).trim() : ''
  const resolved = text === '' ? null : resolve(text)
  if (resolved === null || !HTTP_URL.test(resolved)) {
    throw invalidInput([{ path: ['url'], message: RULE }])
  }
  // Stored uploads are found by the URL as it was stated.
  return HTTP_URL.test(text) ? text : resolved
}

/** Returns null if the text is no URL, or is relative outside a page. */
function resolve(text: string): string | null {
  try {
    return new URL(text, globalThis.document?.baseURI ?? globalThis.location?.href).href
  } catch {
    return null
  }
}
