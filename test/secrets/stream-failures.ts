/** Every way in which Cloudflare's API fails, with words in the answer that nobody is to see. */
import type { ServerResponse } from 'node:http'
import { type ResponseHandler, failure, json, plainText, success } from '../stream/stub-stream.ts'
import { apiToken, webhookSecret } from './test-secrets.ts'
import { type Secret, secretText } from './search.ts'

/** Stands for whatever an answer holds besides the sentence that may be quoted. */
const RAW = 'rAw-Answer_Gx50ZtBv28KqMw73HsNy16LcPd94'
/** The URL of somebody's upload, as a careless sentence might name it. */
const TICKET = '9b1deb4d3b7d4bad9bdd2b0d7b3dcb6d'

/** What Stream's answers must not bring out, wherever they have it. */
export const answerSecrets: readonly Secret[] = [
  secretText("a raw answer of Stream's", RAW),
  secretText("a URL in a sentence of Stream's", TICKET),
]

/** The harmless beginning of Stream's sentence: callers may see it, as the contract says. */
export const HARMLESS = 'The order cannot be taken'
const SENTENCE = `${HARMLESS}: Authorization: Bearer ${apiToken}, key "${apiToken}", at https://upload.videodelivery.net/tus/${TICKET}?tusv2=true and /tus/${TICKET}; signed ${webhookSecret}.`

const HEADERS = { 'cf-ray': RAW, 'set-cookie': `session=${RAW}`, 'x-trace': RAW }
const HTML = `<!doctype html><title>${RAW}</title><p>Ray ID: ${RAW}</p>`

/** More than the gateway takes. */
const ENDLESS = Buffer.alloc(9 * 1024 * 1024, RAW)

const words = (code: number) => [
  { code, message: SENTENCE, documentation_url: RAW, source: { pointer: RAW } },
  { code: 1, message: RAW },
]
const refuses = (status: number, code: number, more: Record<string, string> = {}) =>
  failure(status, words(code), [], { ...HEADERS, ...more })

/** Speaks on the bare connection, which no HTTP survives. */
function bare(act: (response: ServerResponse) => void): ResponseHandler {
  return (response) => act(response)
}

/** By name, as the log of a test shows it. */
export const streamFailures: Readonly<Record<string, ResponseHandler>> = {
  'a 400': refuses(400, 10_005),
  'a 400 with its sentence among the messages': failure(400, [{ code: 5 }], words(5), HEADERS),
  'a 401': refuses(401, 10_000),
  'a 403': refuses(403, 10_000),
  'a 404': refuses(404, 10_003),
  'a 404 for the account': refuses(404, 7003),
  'a 404 of a proxy': plainText(HTML, 404, HEADERS),
  'a 408': refuses(408, 1),
  'a 413 for a full account': refuses(413, 10_011),
  'a 422 in plain text': plainText(RAW, 422, HEADERS),
  'a 429': refuses(429, 971, { 'retry-after': '5' }),
  'a 429 that names no time': refuses(429, 971, { ratelimit: RAW }),
  'a 500': refuses(500, 10_001),
  'a 502 of a proxy': plainText(HTML, 502, HEADERS),
  'a 503 with words in its status': bare((response) => {
    response.writeHead(503, RAW, HEADERS).end(RAW)
  }),
  'a 200 that is no success': refuses(200, 10_005),
  'a 200 with malformed JSON': plainText(`{"result":{"uid":"${RAW}`, 200, HEADERS),
  'a 200 that is a page': plainText(HTML, 200, HEADERS),
  'a 200 in another form': json(
    { data: { uploadURL: `https://example.com/${RAW}` } },
    200,
    HEADERS,
  ),
  'a 200 without uid': success({ uploadURL: `https://example.com/tus/${RAW}`, note: RAW }),
  'a 200 with a URL that is none': json(
    { success: true, result: { uid: 'a'.repeat(32), uploadURL: `javascript:${RAW}` } },
    200,
    { 'stream-media-id': 'a'.repeat(32), location: `javascript:${RAW}` },
  ),
  'a 200 with a password in its URL': json(
    { success: true, result: { uid: 'a'.repeat(32), uploadURL: `https://x:${RAW}@example.com` } },
    200,
    { 'stream-media-id': 'a'.repeat(32), location: `https://x:${RAW}@example.com` },
  ),
  'a 200 that cannot be unpacked': plainText(RAW, 200, { ...HEADERS, 'content-encoding': 'gzip' }),
  'a redirect': plainText(RAW, 302, { ...HEADERS, location: `https://example.com/${RAW}` }),
  'a cut connection': bare((response) => {
    response.socket?.destroy()
  }),
  'a connection cut in the middle': bare((response) => {
    response.writeHead(200, { ...HEADERS, 'content-length': '999' })
    response.write(RAW, () => response.socket?.destroy())
  }),
  'no HTTP at all': bare((response) => {
    response.socket?.end(`HTTP/1.1 200 OK\r\n${RAW} is no header\r\n\r\n${RAW}`)
  }),
  'an answer without end': bare((response) => {
    response.writeHead(200, HEADERS).end(ENDLESS)
  }),
}
