/** Query `storageUsage`: the account's storage. */
import { GraphQLError } from 'graphql'
import { StreamError } from '../uploads/ports/stream-error.ts'
import { type StorageUsage, storageUsage } from '../uploads/storage-usage.ts'
import { outcomeOfStreamError } from '../uploads/stream-error-outcome.ts'
import { builder } from './builder.ts'

const StorageUsageType = builder.objectRef<StorageUsage>('StorageUsage').implement({
  description: "How the account's storage stands, in minutes of video.",
  fields: (t) => ({
    limitMinutes: t.exposeFloat('limitMinutes', {
      nullable: true,
      description: 'Null where the account has no limit that the gateway knows.',
    }),
    storedMinutes: t.exposeFloat('storedMinutes', { description: 'Minutes of stored video.' }),
    reservedMinutes: t.exposeFloat('reservedMinutes', {
      description: 'Held back for minted uploads that have not been received and processed yet.',
    }),
    availableMinutes: t.exposeFloat('availableMinutes', {
      nullable: true,
      description: 'Minutes that can still be reserved; null where there is no known limit.',
    }),
    videoCount: t.exposeInt('videoCount', { description: 'Videos that Stream counts.' }),
  }),
})

builder.queryField('storageUsage', (t) =>
  t.field({
    type: StorageUsageType,
    description: "How the account's storage stands. Fails where Stream does not answer.",
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
