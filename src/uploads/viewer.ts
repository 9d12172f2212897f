/** The authenticated caller: subject of a verified token, or the local administrator without auth. */
export interface Viewer {
  /** The token's `sub`: creator of everything that this caller mints. At most 64 characters. */
  readonly subject: string
  /** True with the scope `uploads:admin`: may see and mint for every creator. */
  readonly isAdmin: boolean
  /** True with the scope `videos:play`: may play the videos of every creator, and sees nothing else of them. */
  readonly canPlayAll: boolean
  /** When the token expires; null if it never does. */
  readonly expiresAt: Date | null
}

/** Whether the viewer may see, watch and delete this creator's uploads. */
export function hasAccessTo(viewer: Viewer, creator: string): boolean {
  return viewer.isAdmin || viewer.subject === creator
}

/** Whether the viewer may play this creator's videos. */
export function mayPlay(viewer: Viewer, creator: string): boolean {
  return viewer.canPlayAll || hasAccessTo(viewer, creator)
}
