/** Clients that send a body without end receive a response, then the emulator closes the connection. */
import { connect } from 'node:net'

import { expect, onTestFinished, test, vi } from 'vitest'

import { startTestEmulator } from '../kit/emulator.ts'
import { testcardFile } from '../kit/media.ts'
import { openRaw, rawRequest } from '../kit/raw-client.ts'
import { createStreamClient } from './kit/stream-client.ts'

/** One chunk of a chunked body. */
const CHUNK = Buffer.concat([
  Buffer.from('100000\r\n'),
  Buffer.alloc(0x10_00_00),
  Buffer.from('\r\n'),
])
const FORM_START = '--x\r\nContent-Disposition: form-data; name="file"\r\n\r\n'
const FORM = 'content-type: multipart/form-data; boundary=x\r\n'
const TUS =
  'tus-resumable: 1.0.0\r\nupload-offset: 0\r\ncontent-type: application/offset+octet-stream\r\n'
const JSON_TYPE = 'content-type: application/json\r\n'

/** Sends the head of a request, the start of its body, then zeros until the connection closes. */
function sendEndlessly(url: string, method: string, headers: string, start = '') {
  const { port, pathname } = new URL(url)
  const socket = connect(Number(port), '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => undefined)
  const status = new Promise<string>((resolve) => {
    socket.once('data', (bytes: Buffer) => resolve(bytes.toString('latin1', 9, 12)))
  })
  // Not `once` of node:events, which rejects when the connection is reset.
  const closed = new Promise<number>((resolve) => {
    socket.once('close', () => resolve(socket.bytesWritten))
  })
  socket.write(
    `${method} ${pathname} HTTP/1.1\r\nHost: localhost\r\n${headers}Transfer-Encoding: chunked\r\n\r\n`,
  )
  if (start !== '') socket.write(`${start.length.toString(16)}\r\n${start}\r\n`)
  const sendMore = () => {
    while (!socket.destroyed && socket.write(CHUNK));
  }
  socket.on('drain', sendMore)
  sendMore()
  return { status, closed }
}

test.each([
  ['an unknown path', 'POST', '/nothing', '', '404'],
  ['an unknown path with Connection: close', 'POST', '/nothing', 'connection: close\r\n', '404'],
  [
    'the API',
    'POST',
    '/client/v4/accounts/local/stream/direct_upload',
    'authorization: Bearer local-token\r\n',
    '413',
  ],
  ['the control API', 'POST', '/__emulator/clock', JSON_TYPE, '413'],
])(
  'responds to an endless body to %s and closes the connection',
  async (_name, method, path, headers, status) => {
    const emulator = await startTestEmulator()
    const sender = sendEndlessly(`${emulator.url}${path}`, method, headers)
    expect(await sender.status).toBe(status)
    expect(await sender.closed).toBeLessThan(700_000_000)
  },
  60_000,
)

test.each([
  ['file', FORM_START],
  ['other part', FORM_START.replace('"file"', '"other"; filename="a"')],
])(
  'responds with 413 to a form with an endless %s and releases the upload URL',
  async (_name, start) => {
    const emulator = await startTestEmulator()
    const stream = createStreamClient(emulator)
    const { uploadURL } = await stream.mintBasic({ maxDurationSeconds: 60 })
    const sender = sendEndlessly(uploadURL, 'POST', FORM, start)
    expect(await sender.status).toBe('413')
    expect((await stream.sendFile(uploadURL, testcardFile())).status).toBe(200)
    expect(await sender.closed).toBeLessThan(800_000_000)
  },
  60_000,
)

test('responds with 413 to an endless chunk and closes the connection', async () => {
  const stream = createStreamClient(await startTestEmulator())
  const { uploadURL } = await stream.mintTus(10_000_000)
  const sender = sendEndlessly(uploadURL, 'PATCH', TUS)
  expect(await sender.status).toBe('413')
  expect(await sender.closed).toBeLessThan(700_000_000)
}, 60_000)

test('closes the connection of a body that has not ended after 10 minutes', async () => {
  const emulator = await startTestEmulator()
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const client = await openRaw(emulator.url)
  const headers = { 'transfer-encoding': 'chunked', connection: 'close' }
  client.socket.write(rawRequest('POST /nothing', headers))
  await client.until('\r\n\r\n')
  vi.advanceTimersByTime(599_999)
  expect(client.socket.destroyed).toBe(false)
  vi.advanceTimersByTime(1)
  expect(await client.closed()).toContain('HTTP/1.1 404')
})
