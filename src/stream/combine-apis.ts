/** The Workers binding with an API token beside it: each does what it can do best. */
import type { StreamBackend } from '../uploads/ports/stream-api.ts'

/**
 * Basic URLs are minted by the binding, which needs no token for what everybody asks for; all else
 * goes by REST, which has tus, filtered lists, storage and the webhook. Both must be of one account:
 * a video that REST does not know would be taken for deleted.
 */
export function withRest(binding: StreamBackend, rest: StreamBackend): StreamBackend {
  return {
    ...rest,
    name: binding.name,
    capabilities: {
      ...rest.capabilities,
      maxBasicBytes: binding.capabilities.maxBasicBytes,
    },
    createDirectUpload: (order, signal) => binding.createDirectUpload(order, signal),
  }
}
