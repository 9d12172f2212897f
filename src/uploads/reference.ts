/** The gateway's reference to an upload in the meta of its video. */
import type { StreamVideo } from './ports/stream-api.ts'

/** Key of the gateway's reference in the video's meta. */
export const REFERENCE_KEY = 'headgate'

/**
 * Returns the upload id that the video's meta refers to. Null for videos that this deployment did not
 * create, such as those of another gateway in the same account.
 */
export function referenceIn(video: StreamVideo, deployment: string): string | null {
  const reference = video.meta[REFERENCE_KEY]
  const prefix = `${deployment}/`
  if (typeof reference !== 'string' || !reference.startsWith(prefix)) return null
  return reference.slice(prefix.length)
}
