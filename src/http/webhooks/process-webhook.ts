/** Processes a webhook delivery on every host: verifies the signature, and returns 200 only after a durable write. */
import { verifyWebhook } from './verify-webhook.ts'
import type { Dependencies } from '../../uploads/dependencies.ts'
import { receiveWebhook } from '../../uploads/status/receive-webhook.ts'
import { createRequestLogger } from '../middleware/request-id.ts'

/** Maximum size of a webhook body in bytes. Stream's bodies have about two kilobytes. */
export const MAX_WEBHOOK_BYTES = 256 * 1024

export interface WebhookOptions {
  /** Accepted signing secrets, newest first; empty if none is configured. */
  readonly webhookSecrets: () => readonly string[]
}

/** A webhook delivery, read completely. */
export interface WebhookDelivery {
  readonly rawBody: Uint8Array
  /** The header `Webhook-Signature`; null if missing. */
  readonly signature: string | null
  readonly requestId: string | undefined
}

/** Status and plain-text body of the response. */
export interface WebhookResult {
  readonly status: number
  readonly message: string
}

/** Rejects if the gateway fails; the caller responds 5xx, so that Stream retries. */
export type ProcessWebhook = (delivery: WebhookDelivery) => Promise<WebhookResult>

/** The secrets are read for each delivery, so that a rotation needs no restart. */
export function createProcessWebhook(
  allDependencies: Dependencies,
  options: WebhookOptions,
): ProcessWebhook {
  const { store, callbacks, pubsub, clock, telemetry } = allDependencies
  const readVideo = (body: string) => allDependencies.readVideo(body)

  function rejected(
    log: Dependencies['log'],
    { kind, reason }: { readonly kind: 'invalid_signature' | 'malformed'; readonly reason: string },
  ): WebhookResult {
    telemetry.webhookReceived(kind, null)
    log.warn({ reason }, 'webhook rejected')
    return { status: kind === 'invalid_signature' ? 401 : 400, message: reason }
  }

  return async ({ rawBody, signature, requestId }) => {
    const log =
      requestId === undefined
        ? allDependencies.log
        : createRequestLogger(allDependencies.log, requestId)
    const now = clock.now()
    const secrets = options.webhookSecrets()
    const webhook = await verifyWebhook({
      rawBody,
      signature,
      secrets,
      now,
      readVideo,
    })
    if (webhook.kind !== 'verified') return rejected(log, webhook)
    const { video, body, signedAt } = webhook
    const lagMs = now.getTime() - signedAt.getTime()
    // Picked one by one: spreading all dependencies takes a large part of the processing time.
    const dependencies = { store, callbacks, pubsub, clock, log, telemetry, readVideo }
    const receive = () => receiveWebhook(dependencies, video, body)
    const outcome = await (telemetry.tracing
      ? telemetry.inSpan('webhook', 'consumer', {}, receive)
      : receive())
    telemetry.webhookReceived(outcome, lagMs / 1000)
    return { status: 200, message: outcome }
  }
}
