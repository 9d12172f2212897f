/** Both ways in which requests travel to Stream: what holds for one of them must hold for the other. */
import { afterAll } from 'vitest'
import { createUndiciTransport } from '../../src/node/undici-transport.ts'
import { createFetchTransport } from '../../src/stream/rest/fetch-transport.ts'

const pooled = createUndiciTransport()
afterAll(() => pooled.close())

/** For `describe.each`: a whole file's tests run once for each. */
export const ways = [
  { way: 'fetch', send: createFetchTransport() },
  { way: 'undici', send: pooled.send },
] as const
