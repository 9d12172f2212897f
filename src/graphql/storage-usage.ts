/** Query `storageUsage`: storage of the account, or of the caller. */
import { StreamError } from '../uploads/ports/stream-error.ts'
import { type StorageUsage, storageUsage } from '../uploads/storage-usage.ts'
import { outcomeOfStreamError } from '../uploads/stream-error-outcome.ts'
import { builder } from './builder.ts'
import { outcomeError } from './query-errors.ts'

const StorageUsageType = builder.objectRef<StorageUsage>('StorageUsage').implement({
  description:
    'Storage usage in minutes of video: of the account for administrators, of the caller for all others.',
  fields: (t) => ({
    limitMinutes: t.exposeFloat('limitMinutes', {
      nullable: true,
      description:
        'Limit of the account, or quota of the caller, in minutes; null if there is none or it is unknown.',
    }),
    storedMinutes: t.exposeFloat('storedMinutes', { description: 'Minutes of stored video.' }),
    reservedMinutes: t.exposeFloat('reservedMinutes', {
      description: 'Minutes reserved for uploads that are not received and processed yet.',
    }),
    availableMinutes: t.exposeFloat('availableMinutes', {
      nullable: true,
      description:
        'Minutes that can still be reserved, within the quota and the limit of the account; null if neither is known.',
    }),
    videoCount: t.exposeInt('videoCount', {
      description:
        'Number of videos: as Stream counts them for the account, those that are READY for a caller.',
    }),
  }),
})

builder.queryField('storageUsage', (t) =>
  t.field({
    type: StorageUsageType,
    description:
      'Storage usage of the account for administrators; what a caller reserves and stores, and the quota, for all others. Fails if Stream does not respond.',
    resolve: async (_root, _args, { dependencies, viewer }) => {
      try {
        return await storageUsage(dependencies, viewer)
      } catch (error) {
        if (!(error instanceof StreamError)) throw error
        dependencies.log.warn({ errorKind: error.kind, err: error }, 'reading storage usage failed')
        throw outcomeError(outcomeOfStreamError(error))
      }
    },
  }),
)
