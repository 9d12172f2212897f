/** The log as the process writes it: what must not come out does not, whatever somebody logs. */
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { byTurn, createLog } from '../../src/log.ts'
import { StreamError } from '../../src/stream/errors.ts'
import { tokenFor } from '../kit/gateway.ts'

const TICKET = '9f8e7d6c5b4a39281706f5e4d3c2b1a0'
const SECRET = 'sEcReT-Kq27Xz91NcVt48'

/** After whatever this turn of the event loop has left to do. */
const nextTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

/** All that one line becomes. */
function written(fields: object, message = 'something happened'): string {
  const lines: string[] = []
  createLog('trace', { write: (line) => lines.push(line) }).info(fields, message)
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
        msg: z.literal('answered'),
      })
      .parse(JSON.parse(written({ requestId: '1a2b3c4d-1', path: '/graphql' }, 'answered')))
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
    const facts = { kind: 'invalid', mayHaveHappened: false, status: null, codes: [] } as const
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

describe('the lines of one turn of the event loop', () => {
  it('are written together at its end, in their order', async () => {
    const writes: string[] = []
    const log = createLog('info', byTurn({ write: (lines) => writes.push(lines) }))
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
    const held = byTurn({ write: (lines) => writes.push(lines) })
    held.write('a\n')
    held.write(`${'b'.repeat(64 * 1024)}\n`)
    expect(writes).toEqual([`a\n${'b'.repeat(64 * 1024)}\n`])
  })
})
