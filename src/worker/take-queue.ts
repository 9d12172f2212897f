/**
 * Stream's event subscriptions, which come by a queue: the other way to hear that a video is ready.
 * https://developers.cloudflare.com/queues/event-subscriptions/
 */
import type { Parts } from '../uploads/parts.ts'
import { receiveNotice } from '../uploads/receive-notice.ts'

/** https://developers.cloudflare.com/queues/configuration/javascript-apis/#messagebatch */
export interface QueueBatch {
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

type QueueParts = Pick<Parts, 'store' | 'events' | 'clock' | 'log' | 'telemetry' | 'readVideo'>

/** Each message is taken or comes again by itself. What is no event of a video is taken, and left aside. */
export async function takeQueue(parts: QueueParts, { messages }: QueueBatch): Promise<void> {
  for (const message of messages) {
    try {
      await takeEvent(parts, message.body)
      message.ack()
    } catch (error) {
      parts.log.error({ err: error }, 'an event of Stream was not taken, and comes again')
      message.retry({ delaySeconds: RETRY_AFTER_SECONDS })
    }
  }
}

async function takeEvent(parts: QueueParts, event: unknown): Promise<void> {
  const type: unknown = isRecord(event) ? event['type'] : null
  if (!isRecord(event) || typeof type !== 'string' || !VIDEO_EVENT.test(type)) {
    parts.log.warn({}, 'a message of the queue is no event of a video')
    return
  }
  const body = JSON.stringify(event['payload'] ?? null)
  const video = parts.readVideo(body)
  if (video === null) {
    parts.telemetry.noticeArrived('malformed', null)
    parts.log.warn({ type }, 'an event names no video')
    return
  }
  parts.telemetry.noticeArrived(await receiveNotice(parts, video, body), null)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
