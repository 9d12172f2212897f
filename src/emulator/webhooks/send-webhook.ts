/**
 * Delivers one webhook: signs it as Stream does and sends it by POST.
 * https://developers.cloudflare.com/stream/manage-video-library/using-webhooks/#verify-webhook-authenticity
 */
import { createHmac } from 'node:crypto'

import type { Webhook } from './webhook-settings.ts'

/** Timeout of one delivery in milliseconds. The emulator's choice. */
const TIMEOUT_MS = 10_000

/** Returns `time=<unix seconds>,sig1=<hex of HMAC-SHA256 over time "." body>`. */
export function signWebhook(body: string, secret: string, unixSeconds: number): string {
  const signature = createHmac('sha256', secret).update(`${unixSeconds}.${body}`).digest('hex')
  return `time=${unixSeconds},sig1=${signature}`
}

/** Resolves to true when the receiver responded 2xx; never rejects. */
export async function sendWebhook(
  webhook: Webhook,
  body: string,
  closing: AbortSignal,
): Promise<boolean> {
  // The system time, not the emulator's: receivers reject signatures older than a limit.
  const unixSeconds = Math.floor(Date.now() / 1000)
  try {
    const response = await fetch(webhook.notificationUrl, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'webhook-signature': signWebhook(body, webhook.secret, unixSeconds),
      },
      body,
      redirect: 'manual',
      signal: AbortSignal.any([closing, AbortSignal.timeout(TIMEOUT_MS)]),
    })
    await response.body?.cancel()
    return response.ok
  } catch {
    return false
  }
}
