/** A webhook receiver that keeps what it gets, and hands it over one by one as it comes. */
import { createHmac } from 'node:crypto'
import { createServer } from 'node:http'

import { onTestFinished } from 'vitest'
import { z } from 'zod'

import { videoSchema, type StreamVideoJson } from './stream-client.ts'

/** One delivery as it came. */
export interface ReceivedWebhook {
  readonly video: StreamVideoJson
  readonly body: string
  readonly signature: string
  readonly contentType: string
}

export interface Receiver {
  readonly url: string
  readonly notices: readonly ReceivedWebhook[]
  /** The first delivery that nobody took yet; waits for it. */
  next(): Promise<ReceivedWebhook>
  /** How the coming deliveries are answered, in order; 200 after that. */
  answerWith(...statuses: readonly number[]): void
  close(): Promise<void>
}

export async function openReceiver(port = 0): Promise<Receiver> {
  const webhooks: ReceivedWebhook[] = []
  const statuses: number[] = []
  const waiting: (() => void)[] = []
  let taken = 0
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
      for (const wake of waiting.splice(0)) wake()
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(port, '127.0.0.1', resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  onTestFinished(close)
  return {
    url: `http://127.0.0.1:${address.port}/hook`,
    notices: webhooks,
    close,
    answerWith: (...given) => {
      statuses.push(...given)
    },
    async next() {
      while (webhooks.length <= taken) {
        await new Promise<void>((resolve) => {
          waiting.push(resolve)
        })
      }
      const webhook = webhooks[taken]
      taken += 1
      if (webhook === undefined) throw new Error('no notice')
      return webhook
    },
  }
}

/** The signature's parts, checked against the secret. */
export function readSignature(
  webhook: ReceivedWebhook,
  secret: string,
): { readonly unixSeconds: number; readonly isRight: boolean } {
  const [, time = '', signature = ''] =
    /^time=(\d+),sig1=([0-9a-f]{64})$/.exec(webhook.signature) ?? []
  const right = createHmac('sha256', secret).update(`${time}.${webhook.body}`).digest('hex')
  return { unixSeconds: Number(time), isRight: signature === right }
}
