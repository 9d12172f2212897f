/** Which way to Stream a Worker takes. */
import type { StreamBackend } from '../stream/backend.ts'
import { createRestBackend } from '../stream/rest.ts'
import type { WorkerConfig } from './config.ts'

export function createStream({ account }: WorkerConfig): StreamBackend {
  if (account === null) throw new Error('There is no way to Stream.')
  const { accountId, apiToken, baseURL } = account
  return createRestBackend({ accountId, apiToken, baseUrl: baseURL })
}
