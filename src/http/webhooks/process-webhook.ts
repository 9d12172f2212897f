/** Takes one notice of Stream's, whichever way it came: believed only when signed, taken only when durable. */
import { readNotice } from './verify-webhook.ts'
import type { IsSigned } from './hmac.ts'
import type { Parts } from '../../uploads/dependencies.ts'
import { receiveNotice } from '../../uploads/status/receive-webhook.ts'
import { createRequestLog } from '../request-log.ts'

/** Bytes of one notice: Stream's are some two kilobytes. */
export const MAX_NOTICE_BYTES = 256 * 1024

export interface WebhookOptions {
  /** Secrets that notices may be signed with, newest first; empty where none is known. */
  readonly webhookSecrets: () => readonly string[]
  /** How the host verifies signatures. @default by Web Crypto */
  readonly isSigned?: IsSigned
}

/** A POST to the door for notices, whole. */
export interface NoticePost {
  readonly rawBody: Uint8Array
  /** The header `Webhook-Signature`; null where it is missing. */
  readonly signature: string | null
  /** By which its answer and its lines in the log find each other. */
  readonly requestId: string | undefined
}

/** What is answered: a status, and a sentence as plain text. */
export interface Said {
  readonly status: number
  readonly sentence: string
}

/** Rejects where the gateway fails, so that Stream is told to try again. */
export type TakeNotice = (post: NoticePost) => Promise<Said>

/** The secrets are asked for with each notice, so that a rotation needs no restart. */
export function createTakeNotice(allParts: Parts, options: WebhookOptions): TakeNotice {
  const { store, events, clock, telemetry } = allParts
  const readVideo = (body: string) => allParts.readVideo(body)
  const how = options.isSigned === undefined ? {} : { isSigned: options.isSigned }

  function refused(
    log: Parts['log'],
    { kind, reason }: { readonly kind: 'unsigned' | 'malformed'; readonly reason: string },
  ): Said {
    telemetry.noticeArrived(kind, null)
    log.warn({ reason }, 'notice refused')
    return { status: kind === 'unsigned' ? 401 : 400, sentence: reason }
  }

  return async ({ rawBody, signature, requestId }) => {
    const log = requestId === undefined ? allParts.log : createRequestLog(allParts.log, requestId)
    const now = clock.now()
    const secrets = options.webhookSecrets()
    const notice = await readNotice({ rawBody, signature, secrets, now, ...how })
    if (notice.kind !== 'notice') return refused(log, notice)
    const { video, body, signedAt } = notice
    const lagMs = now.getTime() - signedAt.getTime()
    // Part by part: to spread them all costs as much as a good deal of what is done with them.
    const parts = { store, events, clock, log, telemetry, readVideo }
    const receive = () => receiveNotice(parts, video, body)
    const outcome = await (telemetry.tracing
      ? telemetry.inSpan('notice', 'consumer', {}, receive)
      : receive())
    telemetry.noticeArrived(outcome, lagMs / 1000)
    return { status: 200, sentence: outcome }
  }
}
