/** Forwards Stream's webhooks to one running gateway of several. */
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { z } from 'zod'
import { listen } from '../kit/listen.ts'

export interface WebhookProxy {
  /** URL without a path. */
  readonly url: string
  /** Number of webhooks that each gateway responded to, by its URL. */
  readonly deliveries: ReadonlyMap<string, number>
  close(): Promise<void>
}

/** Longer than a gateway needs to process a webhook, in milliseconds. */
const FORWARD_TIMEOUT_MS = 10_000
const webhookSchema = z.object({ uid: z.string() })

/**
 * @param gateways URLs, used round-robin
 * @param watchedAt returns the gateway at which an upload is watched. It is tried last, so that it
 * learns of the webhook from another gateway.
 */
export async function startWebhookProxy(
  gateways: readonly string[],
  watchedAt: (uid: string) => string | undefined,
): Promise<WebhookProxy> {
  const deliveries = new Map(gateways.map((gateway) => [gateway, 0]))
  let firstIndex = 0

  async function forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request)
    const signature = request.headers['webhook-signature']
    firstIndex += 1
    const ordered = gateways.map(
      (_, index) => gateways[(index + firstIndex) % gateways.length] ?? '',
    )
    const last = watchedAt(uidIn(body))
    const others = ordered.filter((gateway) => gateway !== last)
    for (const gateway of [...others, ...ordered.filter((candidate) => candidate === last)]) {
      const received = await fetch(`${gateway}${request.url ?? ''}`, {
        method: 'POST',
        headers: typeof signature === 'string' ? { 'webhook-signature': signature } : {},
        body,
        signal: AbortSignal.timeout(FORWARD_TIMEOUT_MS),
      }).catch(() => null)
      // This gateway is down: try the next.
      if (received === null) continue
      const responseBody = await received.text().catch(() => '')
      deliveries.set(gateway, (deliveries.get(gateway) ?? 0) + 1)
      response.writeHead(received.status).end(responseBody)
      return
    }
    response.writeHead(502).end()
  }

  const server = createServer((request, response) => {
    forward(request, response).catch(() => response.destroy())
  })
  const { origin, close } = await listen(server)
  return { url: origin, deliveries, close }
}

function uidIn(body: Buffer): string {
  return webhookSchema.parse(JSON.parse(body.toString('utf8'))).uid
}
