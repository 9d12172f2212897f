/**
 * Stream's event subscriptions, which come by a queue: the other way to hear that a video is ready.
 * https://developers.cloudflare.com/queues/event-subscriptions/
 */
import { isVideoUid } from '../stream/read-video.ts'
import { askStream } from '../uploads/sync/poll-stream.ts'
import { createMissingUploads } from '../uploads/sync/missing-uploads.ts'
import type { Log, Parts } from '../uploads/dependencies.ts'

/** https://developers.cloudflare.com/queues/configuration/javascript-apis/#messagebatch */
export interface QueueBatch {
  /** At most 100. */
  readonly messages: readonly QueueMessage[]
}

export interface QueueMessage {
  readonly body: unknown
  /** It will not come again. */
  ack(): void
  /** It will come again later. */
  retry(options?: { readonly delaySeconds: number }): void
}

/** An outage of the database is not over at once, and a queue tries a few times only. */
const RETRY_AFTER_SECONDS = 30

/** Of a video that became ready, or changed afterwards. */
const VIDEO_EVENT = /^cf\.stream\.video_state\./

type QueueParts = Pick<
  Parts,
  'store' | 'events' | 'clock' | 'log' | 'telemetry' | 'backgroundStream'
>

/**
 * Polls Stream for the uploads that the events name. Events are not signed: whatever may write to the
 * queue could forge them, and they may be days old. So nothing that they say of a video is believed.
 * What names no video of this account is logged, and not redelivered.
 * @param accountId null where it is not configured; events of any account are accepted then
 */
export async function takeQueue(
  parts: QueueParts,
  { messages }: QueueBatch,
  accountId: string | null,
): Promise<void> {
  const named = messages.flatMap((message) => {
    const uid = uidIn(message.body, accountId, parts.log)
    if (uid !== null) return [{ message, uid }]
    message.ack()
    return []
  })
  try {
    await poll(parts, [...new Set(named.map(({ uid }) => uid))])
    for (const { message } of named) message.ack()
  } catch (error) {
    parts.log.error({ err: error }, 'processing Stream events failed; the queue redelivers them')
    for (const { message } of named) message.retry({ delaySeconds: RETRY_AFTER_SECONDS })
  }
}

/** With one request to Stream, however many events name the same upload. */
async function poll(parts: QueueParts, uids: readonly string[]): Promise<void> {
  const { store, backgroundStream, log } = parts
  const uploads = await store.findMany(uids)
  if (uploads.length > 0) {
    const group = uploads.map((upload) => ({
      upload,
      idleChecks: null,
      dueAt: null,
      missingChecks: 0,
    }))
    const asking = { ...parts, stream: backgroundStream }
    await askStream({ ...asking, missingUploads: createMissingUploads(asking) }, group)
  }
  const known = new Set(uploads.map(({ uid }) => uid))
  for (const uid of uids) {
    if (known.has(uid)) log.debug({ uid }, 'queue event processed')
    else log.info({ uid }, 'queue event ignored: no such upload')
  }
}

/** Null where it is no event of a video of this account. */
function uidIn(event: unknown, accountId: string | null, log: Log): string | null {
  const { type, payload, metadata } = fieldsOf(event)
  if (typeof type !== 'string' || !VIDEO_EVENT.test(type)) {
    log.warn({}, 'queue message ignored: not a Stream video event')
    return null
  }
  const { id: uid } = fieldsOf(payload)
  if (typeof uid !== 'string' || !isVideoUid(uid)) {
    log.warn({ type }, 'queue event ignored: no video uid')
    return null
  }
  if (accountId !== null && fieldsOf(metadata)['accountId'] !== accountId) {
    log.warn({ type, uid }, 'queue event ignored: not of CLOUDFLARE_ACCOUNT_ID')
    return null
  }
  return uid
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
