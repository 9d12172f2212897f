/** Query `storageUsage`: the account's storage. */
import { GraphQLError } from 'graphql'
import { StreamError } from '../uploads/ports/stream-error.ts'
import { type StorageUsage, storageUsage } from '../uploads/storage-usage.ts'
import { outcomeOfStreamError } from '../uploads/stream-error-outcome.ts'
import { builder } from './builder.ts'

const StorageUsageType = builder.objectRef<StorageUsage>('StorageUsage').implement({
  description: 'Storage usage of the account, in minutes of video.',
  fields: (t) => ({
    limitMinutes: t.exposeFloat('limitMinutes', {
      nullable: true,
      description: 'Storage limit in minutes; null if unknown.',
    }),
    storedMinutes: t.exposeFloat('storedMinutes', { description: 'Minutes of stored video.' }),
    reservedMinutes: t.exposeFloat('reservedMinutes', {
      description: 'Minutes reserved for uploads that are not received and processed yet.',
    }),
    availableMinutes: t.exposeFloat('availableMinutes', {
      nullable: true,
      description: 'Minutes that can still be reserved; null if the limit is unknown.',
    }),
    videoCount: t.exposeInt('videoCount', { description: 'Number of videos at Stream.' }),
  }),
})

builder.queryField('storageUsage', (t) =>
  t.field({
    type: StorageUsageType,
    description: 'Storage usage of the account. Fails if Stream does not respond.',
    resolve: async (_root, _args, { dependencies }) => {
      try {
        return await storageUsage(dependencies)
      } catch (error) {
        if (!(error instanceof StreamError)) throw error
        dependencies.log.warn({ errorKind: error.kind, err: error }, 'reading storage usage failed')
        const { code, message } = outcomeOfStreamError(error)
        throw new GraphQLError(message, { extensions: { code } })
      }
    },
  }),
)
