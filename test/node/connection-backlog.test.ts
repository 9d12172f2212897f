/** Many new connections arrive together, each with a costly query: a later connection is still accepted soon. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { TEST_SECRET, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { openRaw, rawQuery, rawRequest } from '../kit/raw-client.ts'

/** Takes milliseconds. Each has another text, so that no cache helps. */
const costly = (index: number): string =>
  `{uploads(first:100){nodes{uid}} ${'__typename '.repeat(300)}} # ${index}`

const FLOOD = 100

it('accepts a connection before it serves most of 100 connections that wait before it', async () => {
  const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
  const headers = {
    accept: 'application/json',
    authorization: `Bearer ${await tokenFor('mallory')}`,
  }
  const port = Number(new URL(gateway.url).port)
  let served = 0
  const flood = Array.from({ length: FLOOD }, (_, index) => {
    const socket = connect({ port, host: '127.0.0.1' })
    onTestFinished(() => void socket.destroy())
    socket.once('data', (chunk: Buffer) => {
      if (chunk.toString('latin1').startsWith('HTTP/1.1 200')) served += 1
    })
    socket.write(rawQuery(costly(index), headers))
    return socket
  })
  await Promise.all(flood.map((socket) => once(socket, 'connect')))
  const honest = await openRaw(gateway.url, '127.0.0.2')
  honest.socket.write(rawRequest('GET /healthz'))
  expect(await honest.until('\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /)
  expect(served).toBeLessThan(FLOOD / 2)
})
