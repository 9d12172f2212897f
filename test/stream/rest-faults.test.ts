/** Broken connections and unusable responses over real sockets: the error kind and mayHaveSucceeded. */
import { describe, expect, test } from 'vitest'
import {
  createCalls,
  streamErrorOf,
  find,
  mint,
  mintTus,
  remove,
  secretBody,
  type StreamCall,
} from './stub-failure.ts'
import {
  slowBody,
  failure,
  json,
  plainText,
  startStubStream,
  success,
  type ResponseHandler,
} from './stub-stream.ts'
import { uid, uploadURL } from './stub-params.ts'
import { openTransports } from './transports.ts'

const redirect = (response: Parameters<ResponseHandler>[0]) => {
  response.writeHead(307, { location: 'http://127.0.0.1:1/elsewhere' })
  response.end()
}
const resetMidHeaders: ResponseHandler = (response) => {
  response.socket?.write('HTTP/1.1 200 OK\r\nContent-')
  response.socket?.destroy()
}
const resetMidBody: ResponseHandler = (response) => {
  response.writeHead(200, { 'content-length': '1000' })
  response.write(`{"result":{"uid":"${uid}"`, () => response.socket?.destroy())
}
const truncated: ResponseHandler = plainText(
  `{"success":true,"result":{"uid":"${uid}","uploadURL":"`,
  200,
)
const huge: ResponseHandler = (response) => {
  response.writeHead(200)
  response.end(`{"success":true,"result":"${'x'.repeat(10_000_000)}"}`)
}
const garbage: ResponseHandler = (response) => {
  response.socket?.end(`${secretBody} ${uploadURL}\r\n\r\n`)
}

describe.each(openTransports())('with $name', ({ send }) => {
  const { backendAt, fail } = createCalls(send)

  describe('an unusable response', () => {
    test.each<[string, ResponseHandler, number | null, string]>([
      ['500', failure(500, [{ code: 10001, message: 'Internal' }]), 500, 'HTTP 500, code 10001'],
      ['502 in HTML', plainText(`<html>${secretBody}</html>`, 502), 502, 'no usable response'],
      ['408', plainText('', 408), 408, 'no usable response'],
      ['success: false with 200', json({ success: false }), 200, 'no usable response'],
      ['a redirect', redirect, 307, 'redirected'],
      ['a reset in the headers', resetMidHeaders, null, 'connection failed'],
      ['a reset in the body', resetMidBody, 200, 'connection failed'],
      ['bytes that are not HTTP', garbage, null, 'connection failed'],
    ])(
      '%s has mayHaveSucceeded true, except for reads',
      async (_name, handler, status, message) => {
        const expected = { kind: 'unavailable', status, retryable: true }
        for (const call of [mint, mintTus, remove]) {
          const error = await fail(handler, call)
          expect(error).toMatchObject({ ...expected, mayHaveSucceeded: true })
          expect(error.message).toContain(message)
        }
        expect(await fail(handler, find)).toMatchObject({ ...expected, mayHaveSucceeded: false })
      },
    )

    test.each<[string, ResponseHandler, number | null]>([
      ['no response', () => undefined, null],
      ['a slow body', slowBody, 200],
    ])(
      '%s times out, and has mayHaveSucceeded true, except for reads',
      async (_name, handler, status) => {
        const expected = { kind: 'unavailable', status, retryable: true }
        const options = { timeoutMs: 150 }
        for (const call of [mint, mintTus, remove]) {
          const error = await fail(handler, call, options)
          expect(error).toMatchObject({ ...expected, mayHaveSucceeded: true })
          expect(error.message).toContain('did not respond within 150 ms')
        }
        const error = await fail(handler, find, options)
        expect(error).toMatchObject({ ...expected, mayHaveSucceeded: false })
      },
    )

    test('rejects a body of 10 MB before reading all of it', async () => {
      const stub = await startStubStream(huge)
      const error = await streamErrorOf(mint(backendAt(stub.url)))
      expect(error).toMatchObject({ kind: 'unavailable', mayHaveSucceeded: true, status: 200 })
      expect(error.message).toContain('larger than 8 MB')
    })

    test.each<[string, ResponseHandler]>([
      ['truncated JSON', truncated],
      ['not JSON', plainText(secretBody, 200)],
      ['JSON that is not an envelope', json([uid])],
      ['no result', success(null)],
      ['no uid', success({ uploadURL })],
      ['an invalid uid', success({ uid: '../webhook', uploadURL })],
      ['no URL', success({ uid })],
      ['an invalid URL', success({ uid, uploadURL: 'upload' })],
      ['a URL of another scheme', success({ uid, uploadURL: 'javascript:alert(1)' })],
      ['a URL with a password', success({ uid, uploadURL: 'https://a:b@host/' })],
    ])('a creation with %s has mayHaveSucceeded true', async (_name, handler) => {
      expect(await fail(handler, mint)).toMatchObject({
        kind: 'unavailable',
        mayHaveSucceeded: true,
        status: 200,
      })
    })

    const media = { 'stream-media-id': uid }
    test.each<[string, Record<string, string>]>([
      ['no Location', media],
      ['an unusable Location', { ...media, location: 'http://' }],
      ['a Location of another scheme', { ...media, location: 'data:,x' }],
      ['no stream-media-id', { location: `${uploadURL}/tus/x` }],
      ['an invalid stream-media-id', { location: uploadURL, 'stream-media-id': 'a/b' }],
    ])('a tus creation with %s has mayHaveSucceeded true', async (_name, headers) => {
      const expected = { kind: 'unavailable', mayHaveSucceeded: true, status: 201 }
      expect(await fail(plainText('', 201, headers), mintTus)).toMatchObject(expected)
    })

    test('a tus creation with success: false in its envelope is unavailable', async () => {
      const headers = { ...media, location: uploadURL }
      const handler = json({ success: false, errors: [] }, 200, headers)
      expect(await fail(handler, mintTus)).toMatchObject({ kind: 'unavailable' })
    })

    test.each<[string, StreamCall]>([
      ['details', find],
      ['a list', (backend) => backend.listVideos({})],
      ['storage', (backend) => backend.storageUsage()],
      ['an update', (backend) => backend.updateVideo(uid, {})],
      ['a webhook', (backend) => backend.setWebhook('https://a.example/hook')],
      ['a webhook without secret', (backend) => backend.findWebhook()],
    ])('an unusable success is unavailable: %s', async (_name, call) => {
      const handler = success({ notificationUrl: 'https://a.example/hook' })
      expect(await fail(handler, call)).toMatchObject({ kind: 'unavailable', status: 200 })
    })

    test.each<[string, ResponseHandler, string]>([
      ["a proxy's page", plainText(`<html>${secretBody}`, 404), 'unavailable'],
      ['a wrong route', failure(404, [{ code: 7003, message: 'No route' }]), 'invalid'],
      ['no route', failure(404, [{ code: 7000, message: 'No route for that URI' }]), 'invalid'],
    ])('a 404 by %s does not mean that the video is missing', async (_name, handler, kind) => {
      for (const call of [find, remove]) expect(await fail(handler, call)).toMatchObject({ kind })
    })

    test('a refused connection has mayHaveSucceeded false', async () => {
      const stub = await startStubStream(plainText('', 200))
      await stub.close()
      const error = await streamErrorOf(mint(backendAt(stub.url)))
      expect(error).toMatchObject({ kind: 'unavailable', mayHaveSucceeded: false, status: null })
      expect(error.message).toContain('ECONNREFUSED')
    })

    test('an unknown host has mayHaveSucceeded false', async () => {
      const error = await streamErrorOf(mint(backendAt('http://headgate.invalid')))
      expect(error).toMatchObject({ kind: 'unavailable', mayHaveSucceeded: false })
    })
  })

  describe('the offset of a tus upload', () => {
    test.each([
      [500, 'unavailable'],
      [502, 'unavailable'],
      [408, 'unavailable'],
      [429, 'rate-limited'],
      [307, 'unavailable'],
      [200, 'unavailable'],
    ])('status %i is an error and not a missing upload', async (status, kind) => {
      const stub = await startStubStream(plainText('', status, { location: '/elsewhere' }))
      const error = await streamErrorOf(backendAt(stub.url).readTusOffset(`${stub.url}/tus/${uid}`))
      expect(error).toMatchObject({ kind, mayHaveSucceeded: false, status })
    })

    test.each(['-1', '1.5', 'x', '1e3', '9'.repeat(20)])(
      'an offset of %s is an error',
      async (text) => {
        const stub = await startStubStream(plainText('', 200, { 'upload-offset': text }))
        const error = await streamErrorOf(
          backendAt(stub.url).readTusOffset(`${stub.url}/tus/${uid}`),
        )
        expect(error).toMatchObject({ kind: 'unavailable' })
      },
    )
  })
})
