/** Which way to Stream a Worker takes: its binding, an API token, or both where it has both. */
import type { StreamBackend } from '../uploads/ports/stream-api.ts'
import { createBindingBackend } from '../stream/binding/binding-stream-api.ts'
import { createRestBackend } from '../stream/rest/rest-stream-api.ts'
import { withRest } from '../stream/combine-apis.ts'
import type { WorkerConfig } from './config.ts'

/** Without a token there is no tus, and no storage usage: see `createBindingBackend`. */
export function createStream({ account, stream }: WorkerConfig): StreamBackend {
  const bound = stream === null ? null : createBindingBackend(stream)
  const rest =
    account === null
      ? null
      : createRestBackend({
          accountId: account.accountId,
          apiToken: account.apiToken,
          baseUrl: account.baseURL,
        })
  if (bound !== null && rest !== null) return withRest(bound, rest)
  const only = bound ?? rest
  if (only === null) throw new Error('There is neither a binding nor a token for Stream.')
  return only
}
