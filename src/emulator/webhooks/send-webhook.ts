/**
 * One delivery of a notice: signed as Stream signs, posted, and judged by the answer.
 * https://developers.cloudflare.com/stream/manage-video-library/using-webhooks/#verify-webhook-authenticity
 */
import { createHmac } from 'node:crypto'

import type { Webhook } from './webhook-settings.ts'

/** A receiver that has not answered by then counts as failed, in milliseconds. Our choice. */
const TIME_LIMIT_MS = 10_000

/** `time=<unix seconds>,sig1=<hex of HMAC-SHA256 over time "." body>`. */
export function signNotice(body: string, secret: string, unixSeconds: number): string {
  const signature = createHmac('sha256', secret).update(`${unixSeconds}.${body}`).digest('hex')
  return `time=${unixSeconds},sig1=${signature}`
}

/** True where the receiver took it (2xx); never throws. */
export async function sendNotice(
  webhook: Webhook,
  body: string,
  closing: AbortSignal,
): Promise<boolean> {
  // The computer's own time, not the emulator's: receivers drop what their clock finds too old.
  const unixSeconds = Math.floor(Date.now() / 1000)
  try {
    const response = await fetch(webhook.notificationUrl, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'webhook-signature': signNotice(body, webhook.secret, unixSeconds),
      },
      body,
      redirect: 'manual',
      signal: AbortSignal.any([closing, AbortSignal.timeout(TIME_LIMIT_MS)]),
    })
    await response.body?.cancel()
    return response.ok
  } catch {
    return false
  }
}
