/** Both HTTP transports to Stream; the tests of the REST adapter run with each. */
import { afterAll } from 'vitest'
import { createUndiciTransport } from '../../src/node/undici-transport.ts'
import { createFetchTransport } from '../../src/stream/rest/fetch-transport.ts'

/** The transports for `describe.each`, until the end of the calling file. */
export function openTransports() {
  const pooled = createUndiciTransport()
  afterAll(() => pooled.close())
  return [
    { name: 'fetch', send: createFetchTransport() },
    { name: 'undici', send: pooled.send },
  ] as const
}
