/** Connections that break and answers of no use, by real sockets: what is told, what is left open. */
import { describe, expect, test } from 'vitest'
import {
  callsBy,
  caught,
  find,
  mint,
  mintTus,
  remove,
  secretBody,
  type Act,
} from './stub-failure.ts'
import {
  dripping,
  failure,
  json,
  plain,
  startStubStream,
  success,
  type Answerer,
} from './stub-stream.ts'
import { uid, uploadURL } from './stub-params.ts'
import { ways } from './transports.ts'

const elsewhere = (response: Parameters<Answerer>[0]) => {
  response.writeHead(307, { location: 'http://127.0.0.1:1/elsewhere' })
  response.end()
}
const resetMidHeaders: Answerer = (response) => {
  response.socket?.write('HTTP/1.1 200 OK\r\nContent-')
  response.socket?.destroy()
}
const resetMidBody: Answerer = (response) => {
  response.writeHead(200, { 'content-length': '1000' })
  response.write(`{"result":{"uid":"${uid}"`, () => response.socket?.destroy())
}
const truncated: Answerer = plain(`{"success":true,"result":{"uid":"${uid}","uploadURL":"`, 200)
const huge: Answerer = (response) => {
  response.writeHead(200)
  response.end(`{"success":true,"result":"${'x'.repeat(10_000_000)}"}`)
}
const garbage: Answerer = (response) => {
  response.socket?.end(`${secretBody} ${uploadURL}\r\n\r\n`)
}

describe.each(ways)('by $way', ({ send }) => {
  const { backendAt, fail } = callsBy(send)

  describe('no usable answer', () => {
    test.each<[string, Answerer, number | null, string]>([
      ['500', failure(500, [{ code: 10001, message: 'Internal' }]), 500, 'HTTP 500, code 10001'],
      ['502 in HTML', plain(`<html>${secretBody}</html>`, 502), 502, 'no usable response'],
      ['408', plain('', 408), 408, 'no usable response'],
      ['success: false with 200', json({ success: false }), 200, 'no usable response'],
      ['a redirect', elsewhere, 307, 'redirected'],
      ['a reset in the headers', resetMidHeaders, null, 'connection failed'],
      ['a reset in the body', resetMidBody, 200, 'connection failed'],
      ['what is not HTTP', garbage, null, 'connection failed'],
    ])('%s leaves open what was done', async (_name, answerer, status, words) => {
      const expected = { kind: 'unavailable', status, retryable: true }
      for (const act of [mint, mintTus, remove]) {
        const error = await fail(answerer, act)
        expect(error).toMatchObject({ ...expected, mayHaveSucceeded: true })
        expect(error.message).toContain(words)
      }
      expect(await fail(answerer, find)).toMatchObject({ ...expected, mayHaveSucceeded: false })
    })

    test.each<[string, Answerer, number | null]>([
      ['silence', () => undefined, null],
      ['a byte now and then', dripping, 200],
    ])('%s is not waited for, and leaves open what was done', async (_name, answerer, status) => {
      const expected = { kind: 'unavailable', status, retryable: true }
      const handed = { timeoutMs: 150 }
      for (const act of [mint, mintTus, remove]) {
        const error = await fail(answerer, act, handed)
        expect(error).toMatchObject({ ...expected, mayHaveSucceeded: true })
        expect(error.message).toContain('did not respond within 150 ms')
      }
      const error = await fail(answerer, find, handed)
      expect(error).toMatchObject({ ...expected, mayHaveSucceeded: false })
    })

    test('10 MB are refused before they are all read', async () => {
      const stub = await startStubStream(huge)
      const error = await caught(mint(backendAt(stub.url)))
      expect(error).toMatchObject({ kind: 'unavailable', mayHaveSucceeded: true, status: 200 })
      expect(error.message).toContain('larger than 8 MB')
    })

    test.each<[string, Answerer]>([
      ['truncated JSON', truncated],
      ['not JSON', plain(secretBody, 200)],
      ['JSON that is no envelope', json([uid])],
      ['no result', success(null)],
      ['no uid', success({ uploadURL })],
      ['an odd uid', success({ uid: '../webhook', uploadURL })],
      ['no URL', success({ uid })],
      ['a URL that is none', success({ uid, uploadURL: 'upload' })],
      ['a URL of another kind', success({ uid, uploadURL: 'javascript:alert(1)' })],
      ['a URL with a password', success({ uid, uploadURL: 'https://a:b@host/' })],
    ])('a mint with %s leaves a video that we do not know', async (_name, answerer) => {
      expect(await fail(answerer, mint)).toMatchObject({
        kind: 'unavailable',
        mayHaveSucceeded: true,
        status: 200,
      })
    })

    const media = { 'stream-media-id': uid }
    test.each<[string, Record<string, string>]>([
      ['no Location', media],
      ['an unusable Location', { ...media, location: 'http://' }],
      ['a Location of another kind', { ...media, location: 'data:,x' }],
      ['no stream-media-id', { location: `${uploadURL}/tus/x` }],
      ['an odd stream-media-id', { location: uploadURL, 'stream-media-id': 'a/b' }],
    ])('a tus mint with %s does too', async (_name, headers) => {
      const expected = { kind: 'unavailable', mayHaveSucceeded: true, status: 201 }
      expect(await fail(plain('', 201, headers), mintTus)).toMatchObject(expected)
    })

    test('a tus mint is not believed against its own envelope', async () => {
      const headers = { ...media, location: uploadURL }
      const answerer = json({ success: false, errors: [] }, 200, headers)
      expect(await fail(answerer, mintTus)).toMatchObject({ kind: 'unavailable' })
    })

    test.each<[string, Act]>([
      ['details', find],
      ['a list', (backend) => backend.listVideos({})],
      ['storage', (backend) => backend.storageUsage()],
      ['an update', (backend) => backend.updateVideo(uid, {})],
      ['a webhook', (backend) => backend.setWebhook('https://a.example/hook')],
      ['a webhook without secret', (backend) => backend.findWebhook()],
    ])('a success of no use is none: %s', async (_name, act) => {
      const answerer = success({ notificationUrl: 'https://a.example/hook' })
      expect(await fail(answerer, act)).toMatchObject({ kind: 'unavailable', status: 200 })
    })

    test.each<[string, Answerer, string]>([
      ["a proxy's page", plain(`<html>${secretBody}`, 404), 'unavailable'],
      ['a wrong route', failure(404, [{ code: 7003, message: 'No route' }]), 'invalid'],
      ['no route', failure(404, [{ code: 7000, message: 'No route for that URI' }]), 'invalid'],
    ])('a 404 by %s is no absence', async (_name, answerer, kind) => {
      for (const act of [find, remove]) expect(await fail(answerer, act)).toMatchObject({ kind })
    })

    test('nobody at the address: surely nothing was done', async () => {
      const stub = await startStubStream(plain('', 200))
      await stub.close()
      const error = await caught(mint(backendAt(stub.url)))
      expect(error).toMatchObject({ kind: 'unavailable', mayHaveSucceeded: false, status: null })
      expect(error.message).toContain('ECONNREFUSED')
    })

    test('no such host: surely nothing was done', async () => {
      const error = await caught(mint(backendAt('http://headgate.invalid')))
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
    ])('%i says nothing about the upload', async (status, kind) => {
      const stub = await startStubStream(plain('', status, { location: '/elsewhere' }))
      const error = await caught(backendAt(stub.url).readTusOffset(`${stub.url}/tus/${uid}`))
      expect(error).toMatchObject({ kind, mayHaveSucceeded: false, status })
    })

    test.each(['-1', '1.5', 'x', '1e3', '9'.repeat(20)])(
      'nor does an offset of %s',
      async (text) => {
        const stub = await startStubStream(plain('', 200, { 'upload-offset': text }))
        const error = await caught(backendAt(stub.url).readTusOffset(`${stub.url}/tus/${uid}`))
        expect(error).toMatchObject({ kind: 'unavailable' })
      },
    )
  })
})
