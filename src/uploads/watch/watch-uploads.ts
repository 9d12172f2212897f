/** Use cases of the two subscriptions: one upload, or all of a viewer's uploads. */
import { type ChangeStream, type UploadChanges, createChangeStream } from './change-stream.ts'
import { callAt } from '../../shared/clock.ts'
import type { Dependencies } from '../dependencies.ts'
import {
  type RateLimited,
  tooManySubscriptions,
  uploadNotFound,
  type UploadNotFound,
} from '../outcomes.ts'
import type { Viewer } from '../viewer.ts'
import { findUpload } from '../find-upload.ts'
import { type Upload, isTerminal } from '../upload.ts'

/**
 * Streams changes to all uploads that the viewer may list. Is interrupted when the viewer's token expires, on
 * shutdown, when the reader is too slow, or when the pub/sub connection is lost.
 */
export async function watchUploads(
  dependencies: Pick<Dependencies, 'pubsub' | 'watchRegistry' | 'clock' | 'closing'>,
  viewer: Viewer,
): Promise<UploadChanges | RateLimited> {
  const stream = await openStream(dependencies, viewer)
  return 'kind' in stream ? stream : stream.changes
}

/** Opens the stream of `watchUploads`, for an administrator optionally of one creator. */
export async function openStream(
  dependencies: Pick<Dependencies, 'pubsub' | 'watchRegistry' | 'clock' | 'closing'>,
  viewer: Viewer,
  creator?: string,
): Promise<ChangeStream | RateLimited> {
  const closeSubscription = dependencies.watchRegistry.openSubscription(viewer.subject)
  if (closeSubscription === null) return tooManySubscriptions()
  const stream = createChangeStream()
  stream.onClose(closeSubscription)
  const watched = viewer.isAdmin ? creator : viewer.subject
  const topic =
    watched === undefined
      ? ({ of: 'all' } as const)
      : ({ of: 'creator', creator: watched } as const)
  const { ready, stop } = dependencies.pubsub.subscribe(topic, stream.put, stream.interrupt)
  stream.onClose(stop)
  try {
    await ready
  } catch (error) {
    await stream.changes.return?.()
    throw error
  }
  stream.onClose(endOnExpiryOrShutdown(dependencies, viewer, stream))
  return stream
}

/**
 * Drops unread changes: a stream that is never read would otherwise stay open. Returns the function that
 * removes the listeners, for a stream that ends earlier.
 */
function endOnExpiryOrShutdown(
  { clock, closing }: Pick<Dependencies, 'clock' | 'closing'>,
  viewer: Viewer,
  stream: ChangeStream,
): () => void {
  if (closing.aborted) {
    stream.close()
    return () => undefined
  }
  closing.addEventListener('abort', stream.close, { once: true })
  const stopTimer = viewer.expiresAt === null ? null : callAt(clock, viewer.expiresAt, stream.close)
  return () => {
    closing.removeEventListener('abort', stream.close)
    stopTimer?.()
  }
}

/**
 * Streams the current upload, then every change in order of `version`. Ends after a terminal status. Is
 * interrupted in the cases of `watchUploads`.
 */
export async function watchUpload(
  dependencies: Pick<Dependencies, 'store' | 'pubsub' | 'watchRegistry' | 'clock' | 'closing'>,
  viewer: Viewer,
  uid: string,
): Promise<UploadChanges | UploadNotFound | RateLimited> {
  const closeSubscription = dependencies.watchRegistry.openSubscription(viewer.subject)
  if (closeSubscription === null) return tooManySubscriptions()
  const stream = createChangeStream()
  stream.onClose(closeSubscription)

  let version = -1
  function push(upload: Upload): void {
    if (upload.version <= version) return
    version = upload.version
    stream.put(upload)
    if (isTerminal(upload.status)) stream.end()
  }

  function onChange(upload: Upload): void {
    if (buffered === null) push(upload)
    else buffered.push(upload)
  }

  // Subscribes before reading the state; changes received meanwhile are pushed after it.
  let buffered: Upload[] | null = []
  const { ready, stop } = dependencies.pubsub.subscribe(
    { of: 'upload', uid },
    onChange,
    stream.interrupt,
  )
  stream.onClose(stop)

  let current: Upload | null = null
  try {
    await ready
    current = await findUpload(dependencies, viewer, uid)
  } finally {
    if (current === null) await stream.changes.return?.()
  }
  if (current === null) return uploadNotFound(uid)

  stream.onClose(dependencies.watchRegistry.watch(uid))
  push(current)
  for (const upload of buffered) push(upload)
  buffered = null
  stream.onClose(endOnExpiryOrShutdown(dependencies, viewer, stream))
  return stream.changes
}
