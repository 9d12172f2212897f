/** Truncated and malformed multipart forms get a response and do not stop the process. */
import { describe, expect, test } from 'vitest'

import { startTestEmulator, type TestEmulator } from '../kit/emulator.ts'
import { testcardFile } from '../kit/media.ts'
import { openRaw, rawRequest } from '../kit/raw-client.ts'
import { openRequest, writeBytes, pollUntil } from './kit/raw-request.ts'
import { createStreamClient } from './kit/stream-client.ts'

const FORM_TYPE = 'multipart/form-data; boundary=x'
const PART = '--x\r\nContent-Disposition: form-data; name='
const LONGEST_BOUNDARY = 'b'.repeat(70)

/** Posts the body to an upload URL and returns the status. */
async function post(
  emulator: TestEmulator,
  body: string,
  contentType = FORM_TYPE,
): Promise<number> {
  const { uploadURL } = await createStreamClient(emulator).mintBasic({ maxDurationSeconds: 60 })
  const response = await fetch(uploadURL, {
    method: 'POST',
    headers: { 'content-type': contentType },
    body,
  })
  await response.text()
  return response.status
}

describe('responds with 400 to a form that ends', () => {
  test.each([
    ['in another file', `${PART}"other"; filename="a"\r\n\r\nabc`],
    [
      'in the second file',
      `${PART}"file"; filename="a"\r\n\r\nabc\r\n${PART}"b"; filename="b"\r\n\r\nab`,
    ],
    [
      'in a second part with the name of the file',
      `${PART}"file"\r\n\r\nabc\r\n${PART}"file"\r\n\r\nab`,
    ],
    ['in a field', `${PART}"name"\r\n\r\nabc`],
    ['in a part without a name', '--x\r\nContent-Type: text/plain\r\n\r\nabc'],
    ['in the headers of a part', `${PART}"other"; filename="a"\r\nContent-Ty`],
    ['before the first part', 'This is the preamble.\r\n'],
    ['in the boundary', '--'],
    ['after the boundary', '--x\r\n'],
    ['in the last boundary', `${PART}"file"\r\n\r\nabc\r\n--x-`],
  ])('%s', async (_name, body) => {
    const emulator = await startTestEmulator()
    expect(await post(emulator, body)).toBe(400)
    expect(await post(emulator, body)).toBe(400)
  })
})

test('accepts a form with fields and other files besides the file', async () => {
  const emulator = await startTestEmulator({ encodeMs: 0 })
  const stream = createStreamClient(emulator)
  const { uid, uploadURL } = await stream.mintBasic({ maxDurationSeconds: 60 })
  const form = new FormData()
  form.append('title', 'My film')
  form.append('poster', new Blob(['picture']), 'poster.jpg')
  form.append('file', testcardFile())
  form.append('file', new Blob(['another']), 'second.mp4')
  form.append('notes', new Blob([new Uint8Array(300_000)]), 'notes.txt')
  expect((await fetch(uploadURL, { method: 'POST', body: form })).status).toBe(200)
  expect((await stream.details(uid)).status.state).toBe('ready')
})

test.each([
  ['empty', 'multipart/form-data; boundary='],
  ['of 71 characters', `multipart/form-data; boundary=${LONGEST_BOUNDARY}b`],
  ['of 8,000 characters', `multipart/form-data; boundary=${'b'.repeat(8000)}`],
  ['made of quotes', 'multipart/form-data; boundary="""'],
  ['in another encoding', "multipart/form-data; boundary*=utf-16''%00x"],
  ['a regular expression', 'multipart/form-data; boundary=(.*)+$'],
])('responds with 400 to a boundary that is %s', async (_name, contentType) => {
  const emulator = await startTestEmulator()
  const boundary = /=(b+)$/.exec(contentType)?.[1] ?? 'x'
  const body = `${PART}"file"\r\n\r\nabc\r\n--x--\r\n`.replaceAll('--x', `--${boundary}`)
  expect(await post(emulator, body, contentType)).toBe(400)
})

test.each([
  ['of 70 characters', LONGEST_BOUNDARY, `multipart/form-data; boundary=${LONGEST_BOUNDARY}`],
  ['of one character', '-', 'multipart/form-data; boundary=-'],
  ['in quotes', 'a b:c', 'Multipart/Form-Data; charset=utf-8 ; Boundary="a b:c"'],
])('accepts a boundary %s', async (_name, boundary, contentType) => {
  const emulator = await startTestEmulator()
  const body = `${PART}"file"\r\n\r\nabc\r\n--x--`.replaceAll('--x', `--${boundary}`)
  expect(await post(emulator, body, contentType)).toBe(200)
})

// The rest of the body is never sent: the emulator must respond without it.
test.each([
  ['delimiters', '\r\n--x\r'.repeat(20_000)],
  ['more than 16 parts without headers', '\r\n--x\r\n\r\n'.repeat(16)],
  ['more than 16 fields', `\r\n${PART}"a"\r\n\r\n`.repeat(16)],
  ['headers of more than 4 KiB', `\r\n${PART}"a"${'\r\nA: b'.repeat(700)}`],
])('responds with 400 when it has received %s', async (_name, text) => {
  const emulator = await startTestEmulator()
  const stream = createStreamClient(emulator)
  const { uploadURL } = await stream.mintBasic({ maxDurationSeconds: 60 })
  const client = await openRaw(emulator.url)
  const headers = { 'content-type': FORM_TYPE, 'content-length': '200000000' }
  client.socket.write(rawRequest(`POST ${new URL(uploadURL).pathname}`, headers))
  client.socket.write(`${PART}"file"\r\n\r\nabc${text}\r\n--x\r\n\r\n`)
  expect(await client.until('\r\n\r\n')).toContain('HTTP/1.1 400')
  expect((await stream.sendFile(uploadURL, testcardFile())).status).toBe(200)
})

test('accepts 16 parts, and headers of 4 KiB', async () => {
  const emulator = await startTestEmulator()
  const fields = `${PART}"a"\r\n\r\n\r\n`.repeat(15)
  const header = `\r\nA: ${'b'.repeat(4000)}`
  const file = `${PART}"file"; filename="a.mp4"${header}\r\n\r\nabc\r\n--x--\r\n`
  expect(await post(emulator, fields + file)).toBe(200)
})

test('responds with 400 to a form truncated at any byte, sent in two chunks', async () => {
  const emulator = await startTestEmulator()
  const { uploadURL } = await createStreamClient(emulator).mintBasic({ maxDurationSeconds: 60 })
  const form = Buffer.from(
    `preamble\r\n${PART}"a"; filename="a"\r\n\r\n123\r\n${PART}"b"\r\n\r\n456\r\n--x\r\n\r\n--x--\r\nepilogue`,
  )
  const statuses = new Set<number>()
  for (let length = 0; length < form.length; length += 1) {
    const open = openRequest(uploadURL, 'POST', {
      'content-type': FORM_TYPE,
      'content-length': String(length),
    })
    await writeBytes(open.request, form.subarray(0, length >> 1))
    open.request.end(form.subarray(length >> 1, length))
    statuses.add((await open.response).status)
  }
  expect([...statuses]).toEqual([400])
})

test('a client that disconnects in another file part leaves the URL usable', async () => {
  const emulator = await startTestEmulator({ encodeMs: 0 })
  const stream = createStreamClient(emulator)
  const { uploadURL } = await stream.mintBasic({ maxDurationSeconds: 60 })
  const open = openRequest(uploadURL, 'POST', {
    'content-type': FORM_TYPE,
    'content-length': '1000000',
  })
  await writeBytes(
    open.request,
    Buffer.from(`${PART}"other"; filename="a"\r\n\r\n${'a'.repeat(100_000)}`),
  )
  await pollUntil(async () => (await emulator.state()).requests['upload'] === 1)
  expect((await stream.sendFile(uploadURL, testcardFile())).status).toBe(409)
  open.request.destroy()
  await pollUntil(async () => (await stream.sendFile(uploadURL, testcardFile())).status === 200)
})
