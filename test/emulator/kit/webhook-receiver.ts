/** A webhook receiver that records deliveries and returns them one at a time. */
import { createHmac } from 'node:crypto'
import { createServer, type ServerResponse } from 'node:http'

import { z } from 'zod'

import { listenInTest } from '../../kit/listen.ts'
import { videoSchema, type StreamVideoJson } from './stream-client.ts'

/** One webhook delivery. */
export interface ReceivedWebhook {
  readonly video: StreamVideoJson
  readonly body: string
  readonly signature: string
  readonly contentType: string
}

export interface WebhookReceiver {
  readonly url: string
  readonly webhooks: readonly ReceivedWebhook[]
  /** Returns the first delivery that was not returned yet; waits for it. */
  next(): Promise<ReceivedWebhook>
  /** Sets the statuses of the next responses, in order; later responses are 200. */
  respondWith(...statuses: readonly number[]): void
  close(): Promise<void>
}

export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  const webhooks: ReceivedWebhook[] = []
  const statuses: number[] = []
  const waiters: (() => void)[] = []
  let returned = 0
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8')
      webhooks.push({
        body,
        video: videoSchema.parse(JSON.parse(body)),
        signature: z.string().parse(request.headers['webhook-signature']),
        contentType: request.headers['content-type'] ?? '',
      })
      response.writeHead(statuses.shift() ?? 200).end()
      for (const wake of waiters.splice(0)) wake()
    })
  })
  const { origin, close } = await listenInTest(server)
  return {
    url: `${origin}/hook`,
    webhooks,
    close,
    respondWith: (...added) => {
      statuses.push(...added)
    },
    async next() {
      while (webhooks.length <= returned) {
        await new Promise<void>((resolve) => {
          waiters.push(resolve)
        })
      }
      const webhook = webhooks[returned]
      returned += 1
      if (webhook === undefined) throw new Error('no webhook')
      return webhook
    },
  }
}

/** A receiver that does not respond. */
export interface SilentReceiver {
  readonly url: string
  /** The requests without a response. */
  readonly waiting: readonly ServerResponse[]
  /** Responds 200 to all of them. */
  respond(): void
}

export async function startSilentReceiver(): Promise<SilentReceiver> {
  const waiting: ServerResponse[] = []
  const server = createServer((request, response) => {
    request.resume()
    waiting.push(response)
  })
  const { origin } = await listenInTest(server)
  const respond = () => {
    for (const response of waiting.splice(0)) response.end()
  }
  return { url: `${origin}/hook`, waiting, respond }
}

/** Parses the signature and verifies it with the secret. */
export function readSignature(
  webhook: ReceivedWebhook,
  secret: string,
): { readonly unixSeconds: number; readonly isRight: boolean } {
  const [, time = '', signature = ''] =
    /^time=(\d+),sig1=([0-9a-f]{64})$/.exec(webhook.signature) ?? []
  const expected = createHmac('sha256', secret).update(`${time}.${webhook.body}`).digest('hex')
  return { unixSeconds: Number(time), isRight: signature === expected }
}
