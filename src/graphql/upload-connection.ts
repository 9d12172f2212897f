/** Query `uploads`: a Relay connection. https://relay.dev/graphql/connections.htm */
import {
  COUNT_LIMIT,
  type UploadCursor,
  type UploadFilter,
  hasTotal,
} from '../uploads/ports/upload-store.ts'
import {
  DEFAULT_PAGE_SIZE,
  MAX_PAGE_SIZE,
  type PageRequest,
  type UploadPage,
  listUploads,
} from '../uploads/list-uploads.ts'
import type { Upload } from '../uploads/upload.ts'
import { MAX_COUNTS, MAX_PAGE_ENTRIES } from './result-limit.ts'
import { badUserInput } from './query-errors.ts'
import { builder } from './builder.ts'
import type { GraphQLContext } from './context.ts'
import { UploadProtocolEnum, UploadStatusEnum, UploadType } from './upload.ts'

const PageInfo = builder.objectRef<UploadPage>('PageInfo').implement({
  description: 'Page information for pagination.',
  fields: (t) => ({
    hasNextPage: t.exposeBoolean('hasNextPage', {
      description: 'Whether older uploads follow this page.',
    }),
    hasPreviousPage: t.exposeBoolean('hasPreviousPage', {
      description: 'Whether newer uploads precede this page.',
    }),
    startCursor: t.string({
      nullable: true,
      description: 'Cursor of the first upload on this page, for `before`; null for an empty page.',
      resolve: ({ uploads }) => cursorOrNull(uploads[0]),
    }),
    endCursor: t.string({
      nullable: true,
      description: 'Cursor of the last upload on this page, for `after`; null for an empty page.',
      resolve: ({ uploads }) => cursorOrNull(uploads.at(-1)),
    }),
  }),
})

export const UploadEdge = builder.objectRef<Upload>('UploadEdge').implement({
  description: 'An upload and its cursor.',
  fields: (t) => ({
    node: t.field({
      type: UploadType,
      description: 'The upload.',
      resolve: (upload) => upload,
    }),
    cursor: t.string({
      description:
        'Cursor, for `after` and `before`. Compared as texts, the larger cursor is the newer upload.',
      resolve: encodeCursor,
    }),
  }),
})

export const UploadConnection = builder.objectRef<UploadPage>('UploadConnection').implement({
  description: 'A page of uploads, newest first.',
  fields: (t) => ({
    edges: t.field({
      type: [UploadEdge],
      description: 'Uploads of this page with their cursors.',
      resolve: listed,
    }),
    nodes: t.field({
      type: [UploadType],
      description: 'Uploads of this page.',
      resolve: listed,
    }),
    pageInfo: t.field({
      type: PageInfo,
      description: 'Page information for pagination.',
      resolve: (page) => page,
    }),
    totalCount: t.int({
      description: `Number of uploads on all pages, counted only if selected. With \`createdAfter\` or \`createdBefore\` it is at most ${COUNT_LIMIT}, which means ${COUNT_LIMIT} or more, and one operation can select ${MAX_COUNTS} such counts. Otherwise it is exact.`,
      resolve: ({ selection }, _args, { dependencies, resultLimit }) => {
        if (!hasTotal(selection)) resultLimit.consumeCount()
        return dependencies.store.count(selection)
      },
    }),
  }),
})

export const UploadFilterInput = builder.inputType('UploadFilter', {
  description: 'Filter of a list. An upload must match all conditions.',
  fields: (t) => ({
    status: t.field({
      type: [UploadStatusEnum],
      description: 'Uploads with any of these statuses; default: all except DELETED.',
    }),
    protocol: t.field({ type: UploadProtocolEnum, description: 'Uploads with this protocol.' }),
    creator: t.string({
      description: 'Uploads of this creator. Only administrators can name another creator.',
    }),
    createdAfter: t.field({ type: 'DateTime', description: 'Uploads created after this time.' }),
    createdBefore: t.field({ type: 'DateTime', description: 'Uploads created before this time.' }),
  }),
})

builder.queryField('uploads', (t) =>
  t.field({
    type: UploadConnection,
    description:
      'Uploads of the caller, newest first, without deleted ones unless the filter names DELETED. Administrators can filter by any creator.',
    args: {
      first: t.arg.int({
        description: `Page size from the newest upload; default: ${DEFAULT_PAGE_SIZE}, at most ${MAX_PAGE_SIZE}, and ${MAX_PAGE_ENTRIES} in all lists of one operation.`,
      }),
      after: t.arg.string({ description: 'Only uploads after this cursor, which are older.' }),
      last: t.arg.int({
        description: `Page size from the oldest upload, at most ${MAX_PAGE_SIZE}, and ${MAX_PAGE_ENTRIES} in all lists of one operation.`,
      }),
      before: t.arg.string({ description: 'Only uploads before this cursor, which are newer.' }),
      filter: t.arg({
        type: UploadFilterInput,
        description: 'Filter; default: all uploads that are not deleted.',
      }),
    },
    resolve: (_root, { filter, ...args }, { dependencies, viewer, resultLimit, pages }) => {
      const page = toPageRequest(args)
      resultLimit.consumePage(page.size)
      const uploadFilter = toUploadFilter(filter ?? {})
      return pages.read(page.size, () => listUploads(dependencies, viewer, uploadFilter, page))
    },
  }),
)

type Nullable<T> = { readonly [Key in keyof T]?: T[Key] | null | undefined }

export function toUploadFilter(
  filter: Nullable<Omit<Required<UploadFilter>, 'statuses'> & { status: UploadFilter['statuses'] }>,
): UploadFilter {
  const { status, protocol, creator, createdAfter, createdBefore } = filter
  return {
    ...(status ? { statuses: status } : {}),
    ...(protocol ? { protocol } : {}),
    ...(creator === null || creator === undefined ? {} : { creator }),
    ...(createdAfter ? { createdAfter } : {}),
    ...(createdBefore ? { createdBefore } : {}),
  }
}

export function toPageRequest(
  args: Nullable<{ first: number; after: string; last: number; before: string }>,
): PageRequest {
  const first = args.first ?? null
  const last = args.last ?? null
  if (first !== null && last !== null) throw badUserInput('Set `first` or `last`, not both.')
  const size = first ?? last ?? DEFAULT_PAGE_SIZE
  if (size < 1 || size > MAX_PAGE_SIZE) {
    throw badUserInput(
      `\`${last === null ? 'first' : 'last'}\` must be from 1 to ${MAX_PAGE_SIZE}.`,
    )
  }
  return {
    from: last === null ? 'newest' : 'oldest',
    size,
    after: decodeCursor('after', args.after ?? null),
    before: decodeCursor('before', args.before ?? null),
  }
}

function listed({ uploads }: UploadPage, _args: object, { resultLimit }: GraphQLContext) {
  resultLimit.consume(uploads.length)
  return uploads
}

function cursorOrNull(upload: Upload | undefined): string | null {
  return upload === undefined ? null : encodeCursor(upload)
}

/** Compared as texts, cursors have the order of the list: times have 13 digits until the year 2286. */
function encodeCursor({ createdAt, id }: UploadCursor): string {
  return `${String(createdAt.getTime()).padStart(13, '0')}:${id}`
}

function decodeCursor(argument: string, cursor: string | null): UploadCursor | null {
  if (cursor === null) return null
  const pattern = /^(\d{1,15}):([\w-]{1,64})$/
  // Cursors of earlier releases are in Base64.
  const [, time, id] = pattern.exec(cursor) ?? pattern.exec(decodeBase64(cursor)) ?? []
  if (time === undefined || id === undefined) {
    throw badUserInput(`\`${argument}\` must be a cursor from an earlier page.`)
  }
  return { createdAt: new Date(Number(time)), id }
}

function decodeBase64(text: string): string {
  try {
    return atob(text)
  } catch {
    return ''
  }
}
