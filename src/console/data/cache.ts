/** The normalised cache: each upload once, by its id, wherever it is shown. */
import { cacheExchange } from '@urql/exchange-graphcache'
import { relayPagination } from '@urql/exchange-graphcache/extras'

/** Parts of an upload and of the list: they have no identity of their own. */
const EMBEDDED = [
  'PageInfo',
  'StorageUsage',
  'UploadConnection',
  'UploadConstraints',
  'UploadEdge',
  'UploadFailure',
  'UploadProgress',
  'Video',
]

export function createCache() {
  return cacheExchange({
    keys: Object.fromEntries(EMBEDDED.map((name) => [name, () => null])),
    resolvers: { Query: { uploads: relayPagination() } },
  })
}
