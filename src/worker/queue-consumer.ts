/**
 * Consumes Stream's event subscriptions from a queue, an alternative to webhooks.
 * https://developers.cloudflare.com/queues/event-subscriptions/
 */
import { fieldsOf } from '../stream/json-fields.ts'
import { isVideoUid } from '../stream/read-video.ts'
import { pollStream } from '../uploads/sync/poll-stream.ts'
import { createMissingUploads } from '../uploads/sync/missing-uploads.ts'
import type { Dependencies } from '../uploads/dependencies.ts'
import type { Logger } from '../shared/logger.ts'

/** https://developers.cloudflare.com/queues/configuration/javascript-apis/#messagebatch */
export interface MessageBatch {
  /** At most 100 messages. */
  readonly messages: readonly Message[]
}

export interface Message {
  readonly body: unknown
  /** Acknowledges the message: no redelivery. */
  ack(): void
  /** Requests a redelivery. */
  retry(options?: { readonly delaySeconds: number }): void
}

/** A queue retries only a few times, so the delay gives a database outage time to end. */
const RETRY_AFTER_SECONDS = 30

/** Event types for a video that became ready or changed. */
const VIDEO_EVENT = /^cf\.stream\.video_state\./

type QueueDependencies = Pick<
  Dependencies,
  'store' | 'callbacks' | 'pubsub' | 'clock' | 'log' | 'telemetry' | 'backgroundStream'
>

/**
 * Polls Stream for the uploads that the events name. Events are unsigned and may be days old, and
 * any writer of the queue can forge them: only their uid is used. Messages without a video of this
 * account are logged and acknowledged.
 * @param accountId null if not configured; events of any account are accepted then
 */
export async function consumeQueue(
  dependencies: QueueDependencies,
  { messages }: MessageBatch,
  accountId: string | null,
): Promise<void> {
  const named = messages.flatMap((message) => {
    const uid = uidIn(message.body, accountId, dependencies.log)
    if (uid !== null) return [{ message, uid }]
    message.ack()
    return []
  })
  try {
    await poll(dependencies, [...new Set(named.map(({ uid }) => uid))])
    for (const { message } of named) message.ack()
  } catch (error) {
    dependencies.log.error(
      { err: error },
      'processing Stream events failed; the queue redelivers them',
    )
    for (const { message } of named) message.retry({ delaySeconds: RETRY_AFTER_SECONDS })
  }
}

/** Sends one request to Stream, however many events name the same upload. */
async function poll(dependencies: QueueDependencies, uids: readonly string[]): Promise<void> {
  const { store, backgroundStream, log } = dependencies
  const uploads = await store.findMany(uids)
  if (uploads.length > 0) {
    const group = uploads.map((upload) => ({
      upload,
      idlePolls: null,
      missingPolls: 0,
    }))
    const pollDependencies = { ...dependencies, stream: backgroundStream }
    await pollStream(
      { ...pollDependencies, missingUploads: createMissingUploads(pollDependencies) },
      group,
    )
  }
  const known = new Set(uploads.map(({ uid }) => uid))
  for (const uid of uids) {
    if (known.has(uid)) log.debug({ uid }, 'queue event processed')
    else log.info({ uid }, 'queue event ignored: no upload with this uid')
  }
}

/** Returns the uid of an event; null if the message is not a video event of this account. */
function uidIn(event: unknown, accountId: string | null, log: Logger): string | null {
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
    log.warn({ type, uid }, 'queue event ignored: not from CLOUDFLARE_ACCOUNT_ID')
    return null
  }
  return uid
}
