/** Combines the Workers binding with the REST API of the same account. */
import type { StreamApi } from '../uploads/ports/stream-api.ts'
import { canGenerateToken } from './binding/binding-stream-api.ts'

/**
 * Returns a StreamApi that mints basic URLs and the most common playback tokens by the binding, which needs no
 * API token for these most frequent calls. All other calls use REST, which has tus, list filters, storage usage and the
 * webhook. Both must belong to one account: otherwise REST would report the videos as deleted.
 */
export function combineBindingWithRest(binding: StreamApi, rest: StreamApi): StreamApi {
  return {
    ...rest,
    name: binding.name,
    capabilities: {
      ...rest.capabilities,
    },
    createDirectUpload: (params, signal) => binding.createDirectUpload(params, signal),
    createPlaybackToken: (params, signal) =>
      (canGenerateToken(params) ? binding : rest).createPlaybackToken(params, signal),
  }
}
