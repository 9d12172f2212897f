/** The log as the process writes it: what must not come out does not, whatever somebody logs. */
import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { bufferPerTick, createLogger } from '../../src/node/logger.ts'
import { StreamError } from '../../src/uploads/ports/stream-error.ts'
import { tokenFor } from '../kit/gateway.ts'

const TICKET = '9f8e7d6c5b4a39281706f5e4d3c2b1a0'
const SECRET = 'sEcReT-Kq27Xz91NcVt48'

/** After whatever this turn of the event loop has left to do. */
const nextTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

/** All that one line becomes. */
function written(fields: object, message = 'something happened'): string {
  const lines: string[] = []
  createLogger('trace', { write: (line) => lines.push(line) }).info(fields, message)
  expect(lines).toHaveLength(1)
  return lines.join('')
}

describe('a line of the log', () => {
  it('is one JSON object, with its level, its time, its fields and its sentence', () => {
    const line = z
      .strictObject({
        level: z.literal(30),
        time: z.number(),
        requestId: z.literal('1a2b3c4d-1'),
        path: z.literal('/graphql'),
        msg: z.literal('request completed'),
      })
      .parse(
        JSON.parse(written({ requestId: '1a2b3c4d-1', path: '/graphql' }, 'request completed')),
      )
    expect(line.time).toBeGreaterThan(1_700_000_000_000)
  })

  it.each<[how: string, fields: object]>([
    ['in a field', { secret: SECRET }],
    ['in a list', { webhookSecrets: [SECRET] }],
    ['one level down', { config: { apiToken: SECRET } }],
    ['two levels down', { request: { headers: { authorization: SECRET, cookie: SECRET } } }],
    ['far down', { a: { b: { c: [{ d: { password: SECRET, jwt: { raw: SECRET } } }] } } }],
    ['in a field of another case', { request: { headers: { 'Set-Cookie': [SECRET] } } }],
    ['among the facts of an error', { err: Object.assign(new Error('no'), { token: SECRET }) }],
  ])('holds no secret %s', (_how, fields) => {
    const line = written(fields)
    expect(line).not.toContain(SECRET)
    expect(line).toContain('[Redacted]')
  })

  it.each<[what: string, text: string]>([
    ['a basic upload URL', `https://upload.videodelivery.net/${TICKET}`],
    ['the other host', `https://upload.cloudflarestream.com/tus/${TICKET}?tusv2=true`],
    ['a tus URL of the emulator', `http://127.0.0.1:4001/tus/${TICKET}?tusv2=true`],
    ['a bearer token that is no JWT', `Authorization: Bearer ${TICKET}`],
  ])('holds not %s, wherever it stands', (_what, text) => {
    const inSentence = written({}, `cannot reach ${text} any more`)
    const inField = written({ note: { of: [text] } })
    const cause = new Error(text)
    const inError = written({ err: new Error('outer', { cause }) })
    const facts = { kind: 'invalid', mayHaveSucceeded: false, status: null, codes: [] } as const
    const inStream = written({
      err: new StreamError(text, { ...facts, retryAfterSeconds: null }, { cause }),
    })
    for (const line of [inSentence, inField, inError, inStream]) {
      expect(line).not.toContain(TICKET)
      expect(JSON.parse(line)).toMatchObject({ level: 30 })
    }
  })

  it('holds no JWT, wherever it stands', async () => {
    const token = await tokenFor('ada')
    const [, payload = '', signature = ''] = token.split('.')
    for (const line of [written({}, `got ${token}`), written({ query: `?token=${token}&x=1` })]) {
      expect(line).not.toContain(payload)
      expect(line).not.toContain(signature)
    }
  })

  it('leaves ordinary words alone', () => {
    const line = written(
      { path: '/tus', uid: TICKET, url: 'https://a.example/x' },
      'a bearer of news',
    )
    expect(line).not.toContain('[Redacted]')
  })
})

/** C0 but for tab and newline, DEL, C1, and what changes the order of what is read. */
const OBEYED =
  // eslint-disable-next-line no-control-regex -- that is what is looked for
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g
/** The colours that the log itself writes. */
// eslint-disable-next-line no-control-regex -- that is what is looked for
const COLOURS = /\u001b\[\d+m/g

/** All that one line becomes, without colours. */
function shown(fields: object, message: string): string {
  const stream = new PassThrough()
  createLogger('trace', stream, true).info(fields, message)
  return String(stream.read()).replaceAll(COLOURS, '')
}

describe('the log on a terminal', () => {
  it.each([
    ['a control sequence of C1', '\u009b2J', '\\u009b2J'],
    ['a title by C1', '\u009d0;mine\u009c', '\\u009d0;mine\\u009c'],
    ['a rubout', 'a\u007fb', 'a\\u007fb'],
    ['a text that runs backwards', '\u202egnp.exe', '\\u202egnp.exe'],
    ['an isolate', '\u2066x\u2069', '\\u2066x\\u2069'],
    ['a line of its own', 'a\u2028b', 'a\\u2028b'],
  ])('shows %s as an escape, wherever it stands', (_what, text, escaped) => {
    const line = shown(
      { name: text, deep: { list: [text] }, [text]: 1, err: new Error(text) },
      text,
    )
    expect(line.match(OBEYED)).toBeNull()
    // The message, two values, a key, and the error.
    expect(line.split(escaped).length - 1).toBeGreaterThanOrEqual(5)
  })

  it('obeys no other control character either', () => {
    const all = String.fromCharCode(...Array.from({ length: 0xa0 }, (_, code) => code))
    const line = shown({ all, [all]: all, err: new Error(all) }, `message ${all}`)
    expect(line.match(OBEYED)).toBeNull()
  })

  it('leaves other text and secrets as the other log does', () => {
    const line = shown({ name: 'Zoë 🎬 日本語', secret: SECRET }, 'ordinary')
    expect(line).toContain('Zoë 🎬 日本語')
    expect(line).not.toContain(SECRET)
  })
})

describe('the lines of one turn of the event loop', () => {
  it('are written together at its end, in their order', async () => {
    const writes: string[] = []
    const log = createLogger('info', bufferPerTick({ write: (lines) => writes.push(lines) }))
    for (const place of [1, 2, 3]) log.info({ place }, 'one of them')
    expect(writes).toEqual([])
    await nextTurn()
    log.info({ place: 4 }, 'the turn after')
    await nextTurn()
    expect(writes.map((lines) => [...lines.matchAll(/"place":(\d)/g)].map(([, at]) => at))).toEqual(
      [['1', '2', '3'], ['4']],
    )
    for (const lines of writes) expect(lines).toMatch(/\}\n$/)
  })

  it('are not held where they are very long', () => {
    const writes: string[] = []
    const held = bufferPerTick({ write: (lines) => writes.push(lines) })
    held.write('a\n')
    held.write(`${'b'.repeat(64 * 1024)}\n`)
    expect(writes).toEqual([`a\n${'b'.repeat(64 * 1024)}\n`])
  })
})
