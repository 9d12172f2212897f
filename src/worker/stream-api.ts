/** Creates the Worker's StreamApi: binding, REST, or both. */
import type { StreamApi } from '../uploads/ports/stream-api.ts'
import { createBindingStreamApi } from '../stream/binding/binding-stream-api.ts'
import { createRestStreamApi } from '../stream/rest/rest-stream-api.ts'
import { combineBindingWithRest } from '../stream/combine-apis.ts'
import type { WorkerConfig } from './config.ts'

/** Without an API token, tus and storage usage are missing: see `createBindingStreamApi`. */
export function createStreamApi({ account, stream }: WorkerConfig): StreamApi {
  const binding = stream === null ? null : createBindingStreamApi(stream)
  const rest =
    account === null
      ? null
      : createRestStreamApi({
          accountId: account.accountId,
          apiToken: account.apiToken,
          baseUrl: account.baseURL,
        })
  if (binding !== null && rest !== null) return combineBindingWithRest(binding, rest)
  const single = binding ?? rest
  if (single === null) throw new Error('Neither a Stream binding nor an API token is configured.')
  return single
}
