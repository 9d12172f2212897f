/** Relay's `Node`: an id that is unique over all types, and the two queries that refetch by it. */
import type { GraphQLContext } from './context.ts'
import { findUpload, findUploads } from '../uploads/find-upload.ts'
import type { Upload } from '../uploads/upload.ts'
import { badInput } from './bad-user-input.ts'
import { builder } from './builder.ts'

/** How many ids `nodes` takes at once. */
const MOST_NODES = 100

export const Node = builder.interfaceRef<Upload>('Node').implement({
  description: 'Anything that can be fetched again by its id.',
  resolveType: () => 'Upload',
  fields: (t) => ({
    id: t.id({
      description: 'Unique over all types, and opaque: give it to `node` to fetch this again.',
      resolve: (upload) => encodeNodeId(upload.uid),
    }),
  }),
})

/** Uploads are the only nodes yet; the prefix leaves room for others. */
export function encodeNodeId(uid: string): string {
  return btoa(`Upload:${uid}`)
}

/** Null for what was never one of our ids. */
function decodeNodeId(id: string): string | null {
  try {
    const [type, uid, ...rest] = atob(id).split(':')
    return type === 'Upload' && uid !== undefined && rest.length === 0 ? uid : null
  } catch {
    return null
  }
}

async function findNode({ parts, viewer }: GraphQLContext, id: string): Promise<Upload | null> {
  const uid = decodeNodeId(id)
  return uid === null ? null : findUpload(parts, viewer, uid)
}

/** In the order of the ids; null for each that is not there. */
async function findNodes(
  { parts, viewer }: GraphQLContext,
  ids: readonly string[],
): Promise<(Upload | null)[]> {
  const uids = ids.map(decodeNodeId)
  const found = await findUploads(
    parts,
    viewer,
    uids.filter((uid) => uid !== null),
  )
  return uids.map((uid) => (uid === null ? null : (found.get(uid) ?? null)))
}

builder.queryFields((t) => ({
  node: t.field({
    type: Node,
    nullable: true,
    description: "Whatever has this id. Null where there is none, or it is not the caller's.",
    args: { id: t.arg.id({ required: true, description: 'The `id` of an earlier answer.' }) },
    resolve: (_root, { id }, context) => findNode(context, id),
  }),
  nodes: t.field({
    type: [Node],
    nullable: { list: false, items: true },
    description: `Whatever has these ids, in their order; null for each that is not there. At most ${MOST_NODES}.`,
    args: {
      ids: t.arg.idList({ required: true, description: 'The `id`s of earlier answers.' }),
    },
    resolve: (_root, { ids }, context) => {
      if (ids.length > MOST_NODES) throw badInput(`\`ids\` takes at most ${MOST_NODES} ids.`)
      context.allowance.take(ids.length)
      return findNodes(context, ids)
    },
  }),
}))
