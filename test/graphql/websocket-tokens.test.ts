/** Where clients put the token in the payload of connection_init. */
import { describe, expect, it } from 'vitest'
import { TEST_SECRET, type TestGateway, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { openWebSocket } from '../kit/web-socket.ts'

/** Sends connection_init; resolves with `acknowledged`, or with the close code and reason. */
async function connect(gateway: TestGateway, payload: unknown): Promise<string> {
  const socket = await openWebSocket(gateway.url)
  socket.send(JSON.stringify({ type: 'connection_init', payload }))
  return new Promise((resolve) => {
    socket.on('message', (data: Buffer) => {
      if (data.toString().includes('connection_ack')) resolve('acknowledged')
    })
    socket.on('close', (code, reason) => resolve(`${code} ${reason.toString()}`))
  })
}

describe('a token', () => {
  it.each<[string, (token: string) => object]>([
    ['authorization', (token) => ({ authorization: `Bearer ${token}` })],
    ['Authorization', (token) => ({ Authorization: `Bearer ${token}` })],
    ['AUTHORIZATION', (token) => ({ AUTHORIZATION: `bearer ${token}` })],
    ['authorization without the scheme', (token) => ({ authorization: token })],
    ['headers.authorization', (token) => ({ headers: { authorization: `Bearer ${token}` } })],
    ['headers.Authorization', (token) => ({ headers: { Authorization: `Bearer ${token}` } })],
    [
      'headers.authorization without the scheme',
      (token) => ({ headers: { authorization: token } }),
    ],
    ['authToken', (token) => ({ authToken: token })],
    ['authToken with the scheme', (token) => ({ authToken: `Bearer ${token}` })],
    ['token', (token) => ({ token })],
    [
      'headers, while authorization is null',
      (token) => ({ authorization: null, headers: { authorization: token } }),
    ],
    [
      'authorization, beside other members',
      (token) => ({ headers: { 'x-client': 'a' }, authorization: token, version: 2 }),
    ],
  ])('is accepted in %s', async (_where, payloadOf) => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    expect(await connect(gateway, payloadOf(await tokenFor('ada')))).toBe('acknowledged')
  })

  it.each<[string, object | null, string]>([
    ['no payload', {}, 'Missing token. Send `authorization` in the payload of connection_init.'],
    ['null', null, 'Missing token. Send `authorization` in the payload of connection_init.'],
    [
      'null',
      { authorization: null },
      'Missing token. Send `authorization` in the payload of connection_init.',
    ],
    [
      'another scheme',
      { authorization: 'Basic YTpi' },
      'Invalid Authorization header. It must be `Bearer` and a JWT.',
    ],
    ['an invalid token', { authToken: 'x.y.z' }, 'The token is not a valid JWT.'],
  ])('is rejected with 4403 and the reason: %s', async (_what, payload, reason) => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    expect(await connect(gateway, payload)).toBe(`4403 ${reason}`)
  })

  it.each<[string, object]>([
    ['`authorization`', { authorization: 1 }],
    ['`Authorization`', { Authorization: {} }],
    ['`headers`', { headers: 'x' }],
    ['`headers.authorization`', { headers: { authorization: ['x'] } }],
    ['`authToken`', { authToken: true }],
    ['`token`', { token: {} }],
  ])('is rejected with 4400 if %s has the wrong type', async (name, payload) => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    const type = name === '`headers`' ? 'an object' : 'a string'
    expect(await connect(gateway, payload)).toBe(
      `4400 Invalid payload of connection_init: ${name} must be ${type}.`,
    )
  })
})
