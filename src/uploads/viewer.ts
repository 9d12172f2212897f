/** Who is asking: the subject of a verified token, or the local administrator of a laptop. */
export interface Viewer {
  /** The token's `sub`: the creator of what this caller mints. At most 64 characters. */
  readonly subject: string
  /** True with the scope `uploads:admin`: may see and mint for everybody. */
  readonly isAdmin: boolean
  /** When the token lapses; null where it never does. */
  readonly expiresAt: Date | null
}

/** Whether the viewer may see, watch and delete what this creator owns. */
export function owns(viewer: Viewer, creator: string): boolean {
  return viewer.isAdmin || viewer.subject === creator
}
