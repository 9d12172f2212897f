/** Watches one upload: the present state first, then each change, none twice, none lost between. */
import { type UploadChanges, createChangeQueue } from './watch/change-stream.ts'
import { endEarly } from './end-early.ts'
import { findUpload } from './find-upload.ts'
import type { Parts } from './dependencies.ts'
import {
  type RateLimited,
  type UploadNotFound,
  tooManySubscriptions,
  uploadNotFound,
} from './outcomes.ts'
import { type Upload, isTerminal } from './upload.ts'
import type { Viewer } from './viewer.ts'

/**
 * The upload as it stands, then every change in order of `version`, ending after a terminal status
 * with the viewer's token, or where changes can no longer be heard.
 */
export async function watchUpload(
  parts: Pick<Parts, 'store' | 'events' | 'watchers' | 'clock' | 'closing'>,
  viewer: Viewer,
  uid: string,
): Promise<UploadChanges | UploadNotFound | RateLimited> {
  const leave = parts.watchers.enter(viewer.subject)
  if (leave === null) return tooManySubscriptions()
  const releases: (() => void)[] = [leave]
  const queue = createChangeQueue(() => {
    for (const release of releases) release()
  })

  let version = -1
  function show(upload: Upload): void {
    if (upload.version <= version) return
    version = upload.version
    queue.put(upload)
    if (isTerminal(upload.status)) queue.end()
  }

  function hear(upload: Upload): void {
    if (heard === null) show(upload)
    else heard.push(upload)
  }

  // Listening begins before the state is read; what is heard meanwhile is shown after it.
  let heard: Upload[] | null = []
  const { ready, stop } = parts.events.subscribe({ of: 'upload', uid }, hear, queue.end)
  releases.push(stop)

  let present: Upload | null = null
  try {
    await ready
    present = await findUpload(parts, viewer, uid)
  } finally {
    if (present === null) await queue.changes.return?.()
  }
  if (present === null) return uploadNotFound(uid)

  releases.push(parts.watchers.watch(uid))
  show(present)
  for (const upload of heard) show(upload)
  heard = null
  releases.push(endEarly(parts, viewer, queue))
  return queue.changes
}
