/** The caller of a request. */
import type { CallerLimits } from './caller-limits.ts'

/** The authenticated caller: subject of a verified token, or the local administrator without auth. */
export interface Viewer {
  /** The token's `sub`: creator of everything that this caller mints. At most 64 characters. */
  readonly subject: string
  /** True with the scope `uploads:admin`: may see and mint for every creator. */
  readonly isAdmin: boolean
  /** True with the scope `videos:play`: may play the videos of every creator, and sees nothing else of them. */
  readonly canPlayAll: boolean
  /** What the token's claim `headgate` contains; null without it. */
  readonly limits: CallerLimits | null
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

/** Equal for viewers with the same rights and limits, who may share the result of a request. */
export function rightsKey({ subject, isAdmin, canPlayAll, limits }: Viewer): string {
  return JSON.stringify([subject, isAdmin, canPlayAll, limits])
}
