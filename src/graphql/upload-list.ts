/** Subscription `uploadList`: the first page of a list, then each change with its effect on the list. */
import { DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, type UploadPage } from '../uploads/list-uploads.ts'
import type { Upload } from '../uploads/upload.ts'
import { watchList } from '../uploads/watch/watch-list.ts'
import { builder } from './builder.ts'
import { eventsOrThrow, withFreshResultLimit } from './subscriptions.ts'
import {
  UploadConnection,
  UploadEdge,
  UploadFilterInput,
  toPageRequest,
  toUploadFilter,
} from './upload-connection.ts'

interface UploadListEvent {
  readonly page: UploadPage | null
  readonly changed: Upload | null
  readonly isListed: boolean
}

const UploadListEventType = builder.objectRef<UploadListEvent>('UploadListEvent').implement({
  description: 'An event of `uploadList`: either the first page, or a change of one upload.',
  fields: (t) => ({
    page: t.expose('page', {
      type: UploadConnection,
      nullable: true,
      description:
        'Newest uploads of the list, in the first event of each connection; they replace the list that the client has. Null in all other events.',
    }),
    changed: t.expose('changed', {
      type: UploadEdge,
      nullable: true,
      description:
        'A new or changed upload, with its cursor, which tells its place in the list. Null if `page` is set.',
    }),
    isListed: t.exposeBoolean('isListed', {
      description:
        'False if `changed` is not in the list, or no longer: it was deleted, or its status does not match the filter. Otherwise true.',
    }),
  }),
})

builder.subscriptionField('uploadList', (t) =>
  t.field({
    type: UploadListEventType,
    description:
      'Sends the newest uploads of a list, then each change of the list, so that the client needs no query. Is interrupted when the token expires, the gateway stops, or the client reads too slowly: then subscribe again.',
    args: {
      first: t.arg.int({
        description: `Size of the first page; default: ${DEFAULT_PAGE_SIZE}, at most ${MAX_PAGE_SIZE}.`,
      }),
      filter: t.arg({
        type: UploadFilterInput,
        description: 'Filter, as in `uploads`; default: all uploads that are not deleted.',
      }),
    },
    // Each client needs the page as it is when the client subscribes.
    extensions: { isShareable: false },
    subscribe: async (_root, { first, filter }, context) => {
      const { dependencies, viewer, resultLimit } = context
      const request = toPageRequest({ first })
      resultLimit.consumePage(request.size)
      return eventsOrThrow(
        await watchList(dependencies, viewer, toUploadFilter(filter ?? {}), request),
        context,
      )
    },
    resolve: async (event, args, context): Promise<UploadListEvent> => {
      withFreshResultLimit(event, args, context)
      if ('changed' in event) return { page: null, ...event }
      const { pages } = context
      try {
        const { size } = toPageRequest({ first: args.first })
        const page = await event.readPage((read) => pages.read(size, read))
        return { page, changed: null, isListed: true }
      } finally {
        pages.end()
      }
    },
  }),
)
