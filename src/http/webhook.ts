/** The door for Stream's notices: believed only when signed, answered 200 only when durable. */
import { readNotice } from '../stream/notice.ts'
import type { IsSigned } from '../stream/signature.ts'
import type { Parts } from '../uploads/parts.ts'
import { receiveNotice } from '../uploads/receive-notice.ts'
import { type Door, methodNotAllowed, readBody, say } from './door.ts'
import { partsFor } from './request-id.ts'

/** Bytes of one notice: Stream's are some two kilobytes. */
const MAX_NOTICE_BYTES = 256 * 1024

export interface WebhookOptions {
  /** Secrets that notices may be signed with, newest first; empty where none is known. */
  readonly webhookSecrets: () => readonly string[]
  /** How the host verifies signatures. @default by Web Crypto */
  readonly isSigned?: IsSigned
}

/** The secrets are asked for with each notice, so that a rotation needs no restart. */
export function createWebhookDoor(allParts: Parts, options: WebhookOptions): Door {
  const { telemetry } = allParts
  return async (request, visitor) => {
    const parts = partsFor(allParts, visitor?.requestId)
    if (request.method !== 'POST') return methodNotAllowed(['POST'])
    const secrets = options.webhookSecrets()
    if (secrets.length === 0) {
      return say(
        503,
        'No notice can be verified: set STREAM_WEBHOOK_SECRET to the secret of the webhook.',
      )
    }
    const rawBody = await readBody(request, MAX_NOTICE_BYTES)
    if (rawBody === null) return say(413, `A notice has at most ${MAX_NOTICE_BYTES} bytes.`)

    const notice = await readNotice({
      rawBody,
      signature: request.headers.get('webhook-signature'),
      secrets,
      now: parts.clock.now(),
      ...(options.isSigned === undefined ? {} : { isSigned: options.isSigned }),
    })
    switch (notice.kind) {
      case 'unsigned':
        telemetry.noticeArrived('unsigned', null)
        parts.log.warn({ reason: notice.reason }, 'notice refused')
        return say(401, notice.reason)
      case 'malformed':
        telemetry.noticeArrived('malformed', null)
        parts.log.warn({ reason: notice.reason }, 'notice refused')
        return say(400, notice.reason)
      case 'notice': {
        const lagMs = parts.clock.now().getTime() - notice.signedAt.getTime()
        const outcome = await telemetry.inSpan('notice', 'consumer', {}, () =>
          receiveNotice(parts, notice.video, notice.body),
        )
        telemetry.noticeArrived(outcome, lagMs / 1000)
        return say(200, outcome)
      }
    }
  }
}
