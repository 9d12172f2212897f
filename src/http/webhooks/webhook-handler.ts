/** `POST /webhooks/stream`: responds to webhooks of Stream. */
import { type Handler, methodNotAllowed, readBody, textResponse } from '../handler.ts'
import { MAX_WEBHOOK_BYTES, type ProcessWebhook, type WebhookOptions } from './process-webhook.ts'
import { isWellFormedSignature } from './verify-webhook.ts'

export const WEBHOOK_PATH = '/webhooks/stream'

export function createWebhookHandler(
  processWebhook: ProcessWebhook,
  { webhookSecrets }: Pick<WebhookOptions, 'webhookSecrets'>,
): Handler {
  return async (request, client) => {
    if (request.method !== 'POST') return methodNotAllowed(['POST'])
    if (webhookSecrets().length === 0) {
      return textResponse(
        503,
        'Webhooks cannot be verified. Set STREAM_WEBHOOK_SECRET to the secret of the webhook.',
      )
    }
    const signature = request.headers.get('webhook-signature')
    // Clients without a secret must not make the gateway keep a body that is rejected anyway.
    const rawBody = isWellFormedSignature(signature)
      ? await readBody(request, MAX_WEBHOOK_BYTES)
      : new Uint8Array()
    if (rawBody === null)
      return textResponse(413, `Webhook body too large (limit: ${MAX_WEBHOOK_BYTES} bytes).`)
    const { status, message } = await processWebhook({
      rawBody,
      signature,
      requestId: client?.requestId,
    })
    return textResponse(status, message)
  }
}
