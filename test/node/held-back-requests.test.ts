/** Requests whose last byte is held back are sent together: a client with another address is still served. */
import { once } from 'node:events'
import { expect, it } from 'vitest'
import { TEST_SECRET, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { openRaw, rawQuery } from '../kit/raw-client.ts'

/** Takes milliseconds. Each has another text, so that no cache helps. */
const costly = (index: number): string =>
  `{uploads(first:100){nodes{uid}} ${'__typename '.repeat(300)}} # ${index}`

it('serves another client while one client sends 200 requests at once', async () => {
  const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
  const [mallory, ada] = await Promise.all(['mallory', 'ada'].map((name) => tokenFor(name)))
  const headers = { accept: 'application/json', authorization: `Bearer ${mallory}` }
  const flood = await Promise.all(Array.from({ length: 200 }, () => openRaw(gateway.url)))
  const requests = flood.map((_, index) => rawQuery(costly(index), headers))
  for (const [index, { socket }] of flood.entries())
    socket.write(requests[index]?.slice(0, -1) ?? '')
  const honest = await openRaw(gateway.url, '127.0.0.2')
  honest.socket.write(rawQuery('{__typename}', { ...headers, authorization: `Bearer ${ada}` }))
  await honest.until('"Query"')
  let responses = 0
  for (const [index, { socket }] of flood.entries()) {
    socket.once('data', () => {
      responses += 1
    })
    socket.write(requests[index]?.slice(-1) ?? '')
  }
  honest.socket.write(rawQuery('{name:__typename}', { ...headers, authorization: `Bearer ${ada}` }))
  while (honest.received().split('HTTP/1.1 ').length < 3) await once(honest.socket, 'data')
  expect(honest.received()).toContain('"name"')
  expect(responses).toBeLessThan(100)
})
