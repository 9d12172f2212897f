/** The one address that Stream knows, before several gateways: a notice goes to one that is alive. */
import { once } from 'node:events'
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { z } from 'zod'

export interface Front {
  /** Without a path. */
  readonly url: string
  /** How many notices each gateway has answered, by its address. */
  readonly answered: ReadonlyMap<string, number>
  close(): Promise<void>
}

/** Longer than a gateway needs for a notice, in milliseconds. */
const BACKOFF_MS = 10_000
const webhookSchema = z.object({ uid: z.string() })

/**
 * @param gateways by their addresses; each has its turn
 * @param watchedAt the gateway at which somebody watches this upload, which is to learn of the notice
 * from another one: it comes last
 */
export async function startFront(
  gateways: readonly string[],
  watchedAt: (uid: string) => string | undefined,
): Promise<Front> {
  const answered = new Map(gateways.map((gateway) => [gateway, 0]))
  let turn = 0

  async function forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request)
    const signature = request.headers['webhook-signature']
    turn += 1
    const inTurn = gateways.map((_, place) => gateways[(place + turn) % gateways.length] ?? '')
    const last = watchedAt(uidIn(body))
    const others = inTurn.filter((gateway) => gateway !== last)
    for (const gateway of [...others, ...inTurn.filter((one) => one === last)]) {
      const answer = await fetch(`${gateway}${request.url ?? ''}`, {
        method: 'POST',
        headers: typeof signature === 'string' ? { 'webhook-signature': signature } : {},
        body,
        signal: AbortSignal.timeout(BACKOFF_MS),
      }).catch(() => null)
      // Dead: the next one.
      if (answer === null) continue
      const said = await answer.text().catch(() => '')
      answered.set(gateway, (answered.get(gateway) ?? 0) + 1)
      response.writeHead(answer.status).end(said)
      return
    }
    response.writeHead(502).end()
  }

  const server = createServer((request, response) => {
    forward(request, response).catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('No port.')
  return {
    url: `http://127.0.0.1:${address.port}`,
    answered,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

function uidIn(body: Buffer): string {
  return webhookSchema.parse(JSON.parse(body.toString('utf8'))).uid
}
