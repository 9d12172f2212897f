/** Combines the Workers binding with the REST API of the same account. */
import type { StreamApi } from '../uploads/ports/stream-api.ts'

/**
 * Returns a StreamApi that mints basic URLs by the binding, which needs no token for this most
 * frequent call. All other calls use REST, which has tus, list filters, storage usage and the
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
  }
}
