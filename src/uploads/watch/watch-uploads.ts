/** Watches all of a viewer's uploads: every change from now on. */
import { type UploadChanges, createChangeQueue } from './change-stream.ts'
import { endEarly } from '../end-early.ts'
import type { Parts } from '../dependencies.ts'
import { type RateLimited, tooManySubscriptions } from '../outcomes.ts'
import type { Viewer } from '../viewer.ts'

/**
 * Changes to what `uploads` would list for this viewer; ends with the viewer's token, or where changes
 * can no longer be heard.
 */
export async function watchUploads(
  parts: Pick<Parts, 'events' | 'watchers' | 'clock' | 'closing'>,
  viewer: Viewer,
): Promise<UploadChanges | RateLimited> {
  const leave = parts.watchers.enter(viewer.subject)
  if (leave === null) return tooManySubscriptions()
  const releases: (() => void)[] = [leave]
  const queue = createChangeQueue(() => {
    for (const release of releases) release()
  })
  const topic = viewer.isAdmin
    ? ({ of: 'all' } as const)
    : ({ of: 'creator', creator: viewer.subject } as const)
  const { ready, stop } = parts.events.subscribe(topic, queue.put, queue.end)
  releases.push(stop)
  try {
    await ready
  } catch (error) {
    await queue.changes.return?.()
    throw error
  }
  releases.push(endEarly(parts, viewer, queue))
  return queue.changes
}
