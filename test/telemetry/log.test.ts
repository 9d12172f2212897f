/** Log output of the process: JSON lines, redacted secrets and escaped control characters. */
import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { bufferPerTick, createLogger } from '../../src/node/logger.ts'
import { StreamError } from '../../src/uploads/ports/stream-error.ts'
import { tokenFor } from '../kit/gateway.ts'

const UPLOAD_ID = '9f8e7d6c5b4a39281706f5e4d3c2b1a0'
const SECRET = 'sEcReT-Kq27Xz91NcVt48'

/** Resolves in the next event-loop tick. */
const nextTick = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

/** Returns the output of one log call. */
function logOutput(fields: object, message = 'something happened'): string {
  const lines: string[] = []
  createLogger('trace', { write: (line) => lines.push(line) }).info(fields, message)
  expect(lines).toHaveLength(1)
  return lines.join('')
}

describe('a log line', () => {
  it('is one JSON object with level, time, fields and message', () => {
    const line = z
      .strictObject({
        level: z.literal(30),
        time: z.number(),
        requestId: z.literal('1a2b3c4d-1'),
        path: z.literal('/graphql'),
        msg: z.literal('request completed'),
      })
      .parse(
        JSON.parse(logOutput({ requestId: '1a2b3c4d-1', path: '/graphql' }, 'request completed')),
      )
    expect(line.time).toBeGreaterThan(1_700_000_000_000)
  })

  it.each<[place: string, fields: object]>([
    ['in a field', { secret: SECRET }],
    ['in a list', { webhookSecrets: [SECRET] }],
    ['one level down', { config: { apiToken: SECRET } }],
    ['two levels down', { request: { headers: { authorization: SECRET, cookie: SECRET } } }],
    ['far down', { a: { b: { c: [{ d: { password: SECRET, jwt: { raw: SECRET } } }] } } }],
    ['in a field of another case', { request: { headers: { 'Set-Cookie': [SECRET] } } }],
    ['in a property of an error', { err: Object.assign(new Error('no'), { token: SECRET }) }],
  ])('contains no secret %s', (_place, fields) => {
    const line = logOutput(fields)
    expect(line).not.toContain(SECRET)
    expect(line).toContain('[Redacted]')
  })

  it.each<[name: string, text: string]>([
    ['a basic upload URL', `https://upload.videodelivery.net/${UPLOAD_ID}`],
    ['the other host', `https://upload.cloudflarestream.com/tus/${UPLOAD_ID}?tusv2=true`],
    ['a tus URL of the emulator', `http://127.0.0.1:4001/tus/${UPLOAD_ID}?tusv2=true`],
    ['a bearer token that is not a JWT', `Authorization: Bearer ${UPLOAD_ID}`],
  ])('does not contain %s in message, field or error', (_name, text) => {
    const inMessage = logOutput({}, `cannot reach ${text} any more`)
    const inField = logOutput({ note: { of: [text] } })
    const cause = new Error(text)
    const inError = logOutput({ err: new Error('outer', { cause }) })
    const details = { kind: 'invalid', mayHaveSucceeded: false, status: null, codes: [] } as const
    const inStream = logOutput({
      err: new StreamError(text, { ...details, retryAfterSeconds: null }, { cause }),
    })
    for (const line of [inMessage, inField, inError, inStream]) {
      expect(line).not.toContain(UPLOAD_ID)
      expect(JSON.parse(line)).toMatchObject({ level: 30 })
    }
  })

  it('contains no JWT in message or field', async () => {
    const token = await tokenFor('ada')
    const [, payload = '', signature = ''] = token.split('.')
    for (const line of [
      logOutput({}, `got ${token}`),
      logOutput({ query: `?token=${token}&x=1` }),
    ]) {
      expect(line).not.toContain(payload)
      expect(line).not.toContain(signature)
    }
  })

  it('keeps text that only resembles a secret', () => {
    const line = logOutput(
      { path: '/tus', uid: UPLOAD_ID, url: 'https://a.example/x' },
      'a bearer of news',
    )
    expect(line).not.toContain('[Redacted]')
  })
})

/** C0 without tab and newline, DEL, C1, line separators and bidirectional controls. */
const CONTROL_CHARACTERS =
  // eslint-disable-next-line no-control-regex -- the pattern finds control characters
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g
/** Color sequences that the log itself writes. */
// eslint-disable-next-line no-control-regex -- the pattern finds control characters
const COLORS = /\u001b\[\d+m/g

/** Returns the terminal output of one log call, without colors. */
function terminalOutput(fields: object, message: string): string {
  const stream = new PassThrough()
  createLogger('trace', stream, true).info(fields, message)
  return String(stream.read()).replaceAll(COLORS, '')
}

describe('the log on a terminal', () => {
  it.each([
    ['a control sequence of C1', '\u009b2J', '\\u009b2J'],
    ['a window title sequence of C1', '\u009d0;mine\u009c', '\\u009d0;mine\\u009c'],
    ['a DEL character', 'a\u007fb', 'a\\u007fb'],
    ['a right-to-left override', '\u202egnp.exe', '\\u202egnp.exe'],
    ['a bidirectional isolate', '\u2066x\u2069', '\\u2066x\\u2069'],
    ['a line separator', 'a\u2028b', 'a\\u2028b'],
  ])('escapes %s in message, values, keys and errors', (_name, text, escaped) => {
    const line = terminalOutput(
      { name: text, deep: { list: [text] }, [text]: 1, err: new Error(text) },
      text,
    )
    expect(line.match(CONTROL_CHARACTERS)).toBeNull()
    // In the message, two values, a key and the error.
    expect(line.split(escaped).length - 1).toBeGreaterThanOrEqual(5)
  })

  it('escapes every other control character', () => {
    const all = String.fromCharCode(...Array.from({ length: 0xa0 }, (_, code) => code))
    const line = terminalOutput({ all, [all]: all, err: new Error(all) }, `message ${all}`)
    expect(line.match(CONTROL_CHARACTERS)).toBeNull()
  })

  it('keeps other text and redacts secrets, as the JSON log does', () => {
    const line = terminalOutput({ name: 'Zoë 🎬 日本語', secret: SECRET }, 'ordinary')
    expect(line).toContain('Zoë 🎬 日本語')
    expect(line).not.toContain(SECRET)
  })
})

describe('log lines of one event-loop tick', () => {
  it('are written together at its end, in order', async () => {
    const writes: string[] = []
    const log = createLogger('info', bufferPerTick({ write: (lines) => writes.push(lines) }))
    for (const place of [1, 2, 3]) log.info({ place }, 'one of them')
    expect(writes).toEqual([])
    await nextTick()
    log.info({ place: 4 }, 'in the next tick')
    await nextTick()
    expect(writes.map((lines) => [...lines.matchAll(/"place":(\d)/g)].map(([, at]) => at))).toEqual(
      [['1', '2', '3'], ['4']],
    )
    for (const lines of writes) expect(lines).toMatch(/\}\n$/)
  })

  it('are written immediately if they are very long', () => {
    const writes: string[] = []
    const buffer = bufferPerTick({ write: (lines) => writes.push(lines) })
    buffer.write('a\n')
    buffer.write(`${'b'.repeat(64 * 1024)}\n`)
    expect(writes).toEqual([`a\n${'b'.repeat(64 * 1024)}\n`])
  })
})
