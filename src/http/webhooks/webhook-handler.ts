/** The door for Stream's notices, for whoever comes to it by a web Request. */
import { type Door, methodNotAllowed, readBody, say } from '../handler.ts'
import { MAX_NOTICE_BYTES, type TakeNotice, type WebhookOptions } from './process-webhook.ts'

/** Where the notices arrive. */
export const WEBHOOK_PATH = '/webhooks/stream'

export function createWebhookDoor(
  takeNotice: TakeNotice,
  { webhookSecrets }: Pick<WebhookOptions, 'webhookSecrets'>,
): Door {
  return async (request, visitor) => {
    if (request.method !== 'POST') return methodNotAllowed(['POST'])
    if (webhookSecrets().length === 0) {
      return say(
        503,
        'No notice can be verified: set STREAM_WEBHOOK_SECRET to the secret of the webhook.',
      )
    }
    const rawBody = await readBody(request, MAX_NOTICE_BYTES)
    if (rawBody === null) return say(413, `A notice has at most ${MAX_NOTICE_BYTES} bytes.`)
    const { status, sentence } = await takeNotice({
      rawBody,
      signature: request.headers.get('webhook-signature'),
      requestId: visitor?.requestId,
    })
    return say(status, sentence)
  }
}
