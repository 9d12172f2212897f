/** Both ways in which requests travel to Stream: what holds for one of them must hold for the other. */
import { afterAll } from 'vitest'
import { createPooledSend } from '../../src/node/undici-transport.ts'
import { sendByFetch } from '../../src/stream/rest/fetch-transport.ts'

const pooled = createPooledSend()
afterAll(() => pooled.close())

/** For `describe.each`: a whole file's tests run once for each. */
export const ways = [
  { way: 'fetch', send: sendByFetch() },
  { way: 'undici', send: pooled.send },
] as const
