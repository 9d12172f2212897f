/** The global id of an upload in the GraphQL schema, Relay's `Node.id`. */

/** Returns the global id of the upload with this uid. The prefix leaves room for other types of nodes. */
export function encodeNodeId(uid: string): string {
  return btoa(`Upload:${uid}`)
}

/** Returns the uid; null if the id was not created by `encodeNodeId`. */
export function decodeNodeId(id: string): string | null {
  try {
    const [type, uid, ...rest] = atob(id).split(':')
    return type === 'Upload' && uid !== undefined && rest.length === 0 ? uid : null
  } catch {
    return null
  }
}
