/** The client, pointed at a test's gateway. */
import {
  type UploadClient,
  type UploadClientOptions,
  type UploadProgress,
  createUploadClient,
} from '../../src/client/client.ts'
import type { TestClock } from '../kit/clock.ts'
import type { TestGateway } from '../kit/gateway.ts'

/** The smallest tus chunk that Stream takes, in bytes. */
export const CHUNK_BYTES = 5_242_880

/** A client with a memory of its own, as a browser has one; pauses go by the gateway's clock. */
export function clientOf(
  gateway: Pick<TestGateway, 'url' | 'clock'>,
  options: Partial<UploadClientOptions> = {},
): UploadClient {
  return createUploadClient({ url: `${gateway.url}/graphql`, clock: gateway.clock, ...options })
}

/** The phases that were told, each once for as long as it lasted. */
export function phasesOf(told: readonly UploadProgress[]): string[] {
  return told.map(({ phase }) => phase).filter((phase, at, all) => phase !== all[at - 1])
}

/** A fetch that does what was asked, and loses the answer the first so many times. */
export function losingFirst(answers: number): typeof globalThis.fetch {
  let lost = 0
  return async (input, init) => {
    const response = await fetch(input, init)
    if (lost >= answers) return response
    lost += 1
    await response.body?.cancel()
    throw new TypeError('the answer was lost')
  }
}

/** What the promise resolves with, while time flies: as many seconds a second. */
export async function whileTimePasses<T>(
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
