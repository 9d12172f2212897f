/** Failures of Cloudflare's API, each with text in the response that must not appear in output. */
import type { ServerResponse } from 'node:http'
import { type ResponseHandler, failure, json, plainText, success } from '../stream/stub-stream.ts'
import { apiToken, webhookSecret } from './test-secrets.ts'
import { type Secret, secretText } from './search.ts'

/** Marks every part of a response except the message that may be quoted. */
const RAW = 'rAw-Result_Gx50ZtBv28KqMw73HsNy16LcPd94'
/** The secret part of an upload URL inside an API message. */
const URL_TOKEN = '9b1deb4d3b7d4bad9bdd2b0d7b3dcb6d'

/** Texts in Stream's responses that must not appear in output. */
export const responseSecrets: readonly Secret[] = [
  secretText('a raw response of Stream', RAW),
  secretText('a URL in a message of Stream', URL_TOKEN),
]

/** The beginning of Stream's message without secrets: callers may see it. */
export const QUOTABLE = 'The order cannot be taken'
const MESSAGE = `${QUOTABLE}: Authorization: Bearer ${apiToken}, key "${apiToken}", at https://upload.videodelivery.net/tus/${URL_TOKEN}?tusv2=true and /tus/${URL_TOKEN}; signed ${webhookSecret}.`

const HEADERS = { 'cf-ray': RAW, 'set-cookie': `session=${RAW}`, 'x-trace': RAW }
const HTML = `<!doctype html><title>${RAW}</title><p>Ray ID: ${RAW}</p>`

/** More than the gateway reads. */
const OVERSIZED_BODY = Buffer.alloc(9 * 1024 * 1024, RAW)

const apiMessages = (code: number) => [
  { code, message: MESSAGE, documentation_url: RAW, source: { pointer: RAW } },
  { code: 1, message: RAW },
]
const rejection = (status: number, code: number, more: Record<string, string> = {}) =>
  failure(status, apiMessages(code), [], { ...HEADERS, ...more })

/** Lets `act` write to the raw response or its socket, for failures below HTTP. */
function onRawResponse(act: (response: ServerResponse) => void): ResponseHandler {
  return (response) => act(response)
}

/** The failures by name; the names appear in transcripts. */
export const streamFailures: Readonly<Record<string, ResponseHandler>> = {
  'a 400': rejection(400, 10_005),
  'a 400 with its message in `messages`': failure(400, [{ code: 5 }], apiMessages(5), HEADERS),
  'a 401': rejection(401, 10_000),
  'a 403': rejection(403, 10_000),
  'a 404': rejection(404, 10_003),
  'a 404 for the account': rejection(404, 7003),
  'a 404 of a proxy': plainText(HTML, 404, HEADERS),
  'a 408': rejection(408, 1),
  'a 413 for a full account': rejection(413, 10_011),
  'a 422 in plain text': plainText(RAW, 422, HEADERS),
  'a 429': rejection(429, 971, { 'retry-after': '5' }),
  'a 429 without Retry-After': rejection(429, 971, { ratelimit: RAW }),
  'a 500': rejection(500, 10_001),
  'a 502 of a proxy': plainText(HTML, 502, HEADERS),
  'a 503 with a secret in its status text': onRawResponse((response) => {
    response.writeHead(503, RAW, HEADERS).end(RAW)
  }),
  'a 200 without success': rejection(200, 10_005),
  'a 200 with malformed JSON': plainText(`{"result":{"uid":"${RAW}`, 200, HEADERS),
  'a 200 with HTML': plainText(HTML, 200, HEADERS),
  'a 200 with another structure': json(
    { data: { uploadURL: `https://example.com/${RAW}` } },
    200,
    HEADERS,
  ),
  'a 200 without uid': success({ uploadURL: `https://example.com/tus/${RAW}`, note: RAW }),
  'a 200 with an invalid URL': json(
    { success: true, result: { uid: 'a'.repeat(32), uploadURL: `javascript:${RAW}` } },
    200,
    { 'stream-media-id': 'a'.repeat(32), location: `javascript:${RAW}` },
  ),
  'a 200 with a password in its URL': json(
    { success: true, result: { uid: 'a'.repeat(32), uploadURL: `https://x:${RAW}@example.com` } },
    200,
    { 'stream-media-id': 'a'.repeat(32), location: `https://x:${RAW}@example.com` },
  ),
  'a 200 that cannot be decompressed': plainText(RAW, 200, {
    ...HEADERS,
    'content-encoding': 'gzip',
  }),
  'a redirect': plainText(RAW, 302, { ...HEADERS, location: `https://example.com/${RAW}` }),
  'a closed connection': onRawResponse((response) => {
    response.socket?.destroy()
  }),
  'a connection cut during the body': onRawResponse((response) => {
    response.writeHead(200, { ...HEADERS, 'content-length': '999' })
    response.write(RAW, () => response.socket?.destroy())
  }),
  'invalid HTTP': onRawResponse((response) => {
    response.socket?.end(`HTTP/1.1 200 OK\r\n${RAW} is not a header\r\n\r\n${RAW}`)
  }),
  'an oversized body': onRawResponse((response) => {
    response.writeHead(200, HEADERS).end(OVERSIZED_BODY)
  }),
}
