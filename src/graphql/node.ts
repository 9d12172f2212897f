/** Relay's `Node` interface: globally unique ids, and the queries `node` and `nodes`. */
import type { GraphQLContext } from './context.ts'
import { findUpload, findUploads } from '../uploads/find-upload.ts'
import { decodeNodeId, encodeNodeId } from '../uploads/node-id.ts'
import type { Upload } from '../uploads/upload.ts'
import { badUserInput } from './query-errors.ts'
import { builder } from './builder.ts'

/** Maximum number of ids per `nodes` query. */
const MAX_NODES = 100

export const Node = builder.interfaceRef<Upload>('Node').implement({
  description: 'Object with a global id.',
  resolveType: () => 'Upload',
  fields: (t) => ({
    id: t.id({
      description:
        'Opaque id, unique across all types. Pass it to `node` to fetch the object again.',
      resolve: (upload) => encodeNodeId(upload.uid),
    }),
  }),
})

async function findNode(
  { dependencies, viewer }: GraphQLContext,
  id: string,
): Promise<Upload | null> {
  const uid = decodeNodeId(id)
  return uid === null ? null : findUpload(dependencies, viewer, uid)
}

/** Returns the uploads in the order of the ids; null for each that is not found. */
async function findNodes(
  { dependencies, viewer }: GraphQLContext,
  ids: readonly string[],
): Promise<(Upload | null)[]> {
  const uids = ids.map(decodeNodeId)
  const found = await findUploads(
    dependencies,
    viewer,
    uids.filter((uid) => uid !== null),
  )
  return uids.map((uid) => (uid === null ? null : (found.get(uid) ?? null)))
}

builder.queryFields((t) => ({
  node: t.field({
    type: Node,
    nullable: true,
    description:
      'The object with this id. Null if it does not exist, or belongs to another creator.',
    args: { id: t.arg.id({ required: true, description: '`id` from an earlier response.' }) },
    resolve: (_root, { id }, context) => findNode(context, id),
  }),
  nodes: t.field({
    type: [Node],
    nullable: { list: false, items: true },
    description: `The objects with these ids, in the same order; null for each missing object. At most ${MAX_NODES} ids.`,
    args: {
      ids: t.arg.idList({ required: true, description: '`id`s from earlier responses.' }),
    },
    resolve: (_root, { ids }, context) => {
      if (ids.length > MAX_NODES) throw badUserInput(`Too many \`ids\` (limit: ${MAX_NODES}).`)
      context.resultLimit.consume(ids.length)
      return context.pages.read(ids.length, () => findNodes(context, ids))
    },
  }),
}))
