/** Creates clients of a test gateway and fetch functions that fail. */
import {
  type UploadClient,
  type UploadClientOptions,
  type UploadProgress,
  createUploadClient,
} from '../../src/client/client.ts'
import type { TestClock } from '../kit/clock.ts'
import type { TestGateway } from '../kit/gateway.ts'

/** The smallest tus chunk that Stream accepts, in bytes. */
export const CHUNK_BYTES = 5_242_880

/** Creates a client with its own in-memory storage. Delays use the gateway's clock. */
export function clientOf(
  gateway: Pick<TestGateway, 'url' | 'clock'>,
  options: Partial<UploadClientOptions> = {},
): UploadClient {
  return createUploadClient({ url: `${gateway.url}/graphql`, clock: gateway.clock, ...options })
}

/** Returns the reported phases in order, without consecutive duplicates. */
export function phasesOf(reported: readonly UploadProgress[]): string[] {
  return reported.map(({ phase }) => phase).filter((phase, index, all) => phase !== all[index - 1])
}

/** A fetch that sends every request but discards the first `count` responses and throws instead. */
export function dropFirstResponses(count: number): typeof globalThis.fetch {
  let lost = 0
  return async (input, init) => {
    const response = await fetch(input, init)
    if (lost >= count) return response
    lost += 1
    await response.body?.cancel()
    throw new TypeError('the response was lost')
  }
}

/** Awaits the promise while the test clock advances `speed` seconds per real second. */
export async function withAdvancingClock<T>(
  clock: TestClock,
  promise: Promise<T>,
  speed = 50,
): Promise<T> {
  const timer = setInterval(() => clock.advance(speed / 50), 20)
  try {
    return await promise
  } finally {
    clearInterval(timer)
  }
}
