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
import { MAX_COUNTS, MAX_READ } from './result-limit.ts'
import { badUserInput } from './bad-user-input.ts'
import { builder } from './builder.ts'
import type { GraphQLContext } from './context.ts'
import { UploadProtocolEnum, UploadStatusEnum, UploadType } from './upload.ts'

const PageInfo = builder.objectRef<UploadPage>('PageInfo').implement({
  description: 'Whether and from where the list goes on.',
  fields: (t) => ({
    hasNextPage: t.exposeBoolean('hasNextPage', {
      description: 'Whether older uploads follow the last one here.',
    }),
    hasPreviousPage: t.exposeBoolean('hasPreviousPage', {
      description: 'Whether newer uploads precede the first one here.',
    }),
    startCursor: t.string({
      nullable: true,
      description: 'Cursor of the first upload here, for `before`; null where there is none.',
      resolve: ({ uploads }) => cursorOrNull(uploads[0]),
    }),
    endCursor: t.string({
      nullable: true,
      description: 'Cursor of the last upload here, for `after`; null where there is none.',
      resolve: ({ uploads }) => cursorOrNull(uploads.at(-1)),
    }),
  }),
})

const UploadEdge = builder.objectRef<Upload>('UploadEdge').implement({
  description: 'An upload and its place in the list.',
  fields: (t) => ({
    node: t.field({
      type: UploadType,
      description: 'The upload.',
      resolve: (upload) => upload,
    }),
    cursor: t.string({
      description: 'Its place in the list, for `after` and `before`; opaque.',
      resolve: encodeCursor,
    }),
  }),
})

const UploadConnection = builder.objectRef<UploadPage>('UploadConnection').implement({
  description: 'A page of uploads, newest first.',
  fields: (t) => ({
    edges: t.field({
      type: [UploadEdge],
      description: 'The uploads with their cursors.',
      resolve: listed,
    }),
    nodes: t.field({
      type: [UploadType],
      description: 'The uploads without their cursors.',
      resolve: listed,
    }),
    pageInfo: t.field({
      type: PageInfo,
      description: 'Whether and from where the list goes on.',
      resolve: (page) => page,
    }),
    totalCount: t.int({
      description: `How many uploads the filter matches on all pages. Counted only when asked for. With \`createdAfter\` or \`createdBefore\` at most ${COUNT_LIMIT}: ${COUNT_LIMIT} means that many or more, and one operation may ask for ${MAX_COUNTS} such counts. Exact without them.`,
      resolve: ({ selection }, _args, { dependencies, resultLimit }) => {
        if (!hasTotal(selection)) resultLimit.takeCount()
        return dependencies.store.count(selection)
      },
    }),
  }),
})

const UploadFilter = builder.inputType('UploadFilter', {
  description: 'Which uploads; all given conditions hold together.',
  fields: (t) => ({
    status: t.field({
      type: [UploadStatusEnum],
      description: 'Any of these.',
    }),
    protocol: t.field({ type: UploadProtocolEnum, description: 'Only this kind.' }),
    creator: t.string({ description: 'Administrators only; everybody else sees their own.' }),
    createdAfter: t.field({ type: 'DateTime', description: 'Created later than this.' }),
    createdBefore: t.field({ type: 'DateTime', description: 'Created earlier than this.' }),
  }),
})

builder.queryField('uploads', (t) =>
  t.field({
    type: UploadConnection,
    description:
      "The caller's uploads, newest first; an administrator's filter may name any creator.",
    args: {
      first: t.arg.int({
        description: `The newest so many; ${DEFAULT_PAGE_SIZE} where left out, ${MAX_PAGE_SIZE} at most, and ${MAX_READ} in all lists of one operation.`,
      }),
      after: t.arg.string({ description: 'Only those after this cursor: older ones.' }),
      last: t.arg.int({
        description: `The oldest so many, ${MAX_PAGE_SIZE} at most, and ${MAX_READ} in all lists of one operation.`,
      }),
      before: t.arg.string({ description: 'Only those before this cursor: newer ones.' }),
      filter: t.arg({ type: UploadFilter, description: 'Which uploads; all where left out.' }),
    },
    resolve: (_root, { filter, ...args }, { dependencies, viewer, resultLimit }) => {
      const page = toPageRequest(args)
      resultLimit.takePage(page.size)
      return listUploads(dependencies, viewer, toUploadFilter(filter ?? {}), page)
    },
  }),
)

type Nullable<T> = { readonly [Key in keyof T]?: T[Key] | null | undefined }

function toUploadFilter(
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

function toPageRequest(
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

function encodeCursor({ createdAt, id }: UploadCursor): string {
  return btoa(`${createdAt.getTime()}:${id}`)
}

function decodeCursor(argument: string, cursor: string | null): UploadCursor | null {
  if (cursor === null) return null
  const [, time, id] = /^(\d{1,15}):([\w-]{1,64})$/.exec(decodeBase64(cursor)) ?? []
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
