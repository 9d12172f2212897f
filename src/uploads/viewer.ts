/** The authenticated caller: subject of a verified token, or the local administrator without auth. */
export interface Viewer {
  /** The token's `sub`: creator of everything that this caller mints. At most 64 characters. */
  readonly subject: string
  /** True with the scope `uploads:admin`: may see and mint for every creator. */
  readonly isAdmin: boolean
  /** When the token expires; null if it never does. */
  readonly expiresAt: Date | null
}

/** Whether the viewer may see, watch and delete this creator's uploads. */
export function hasAccessTo(viewer: Viewer, creator: string): boolean {
  return viewer.isAdmin || viewer.subject === creator
}
