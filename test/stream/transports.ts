/** Both HTTP transports to Stream; the tests of the REST adapter run with each. */
import { afterAll } from 'vitest'
import { createUndiciTransport } from '../../src/node/undici-transport.ts'
import { createFetchTransport } from '../../src/stream/rest/fetch-transport.ts'

const pooled = createUndiciTransport()
afterAll(() => pooled.close())

/** The transports for `describe.each`. */
export const transports = [
  { name: 'fetch', send: createFetchTransport() },
  { name: 'undici', send: pooled.send },
] as const
