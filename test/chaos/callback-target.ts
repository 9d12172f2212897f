/** A target of callbacks that fails in every way for a while, and remembers all that it received. */
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import { verifyCallback } from '../../src/callbacks/verify-callback.ts'
import { type CallbackType, callbackTypes } from '../../src/uploads/callbacks/callback-type.ts'
import { CALLBACK_SECRETS } from '../kit/callback-target.ts'
import { listen } from '../kit/listen.ts'
import { findFreePort } from './gateway-process.ts'
import { type Chance, chanceFrom } from './seed.ts'

/** One callback as it was received. */
export interface Receipt {
  readonly id: string
  readonly body: string
  readonly uid: string
  readonly type: CallbackType
  readonly version: number
  /** Whether the response was a success that the gateway can have received. */
  readonly isAccepted: boolean
}

export interface FaultyTarget {
  readonly url: string
  readonly receipts: readonly Receipt[]
  /** Number of responses by kind. */
  readonly responses: ReadonlyMap<Response, number>
  /** Requests without a valid signature, as sentences. */
  readonly rejected: readonly string[]
  /** Fails and works in turn for so long, at times that the seed decides, and accepts everything afterwards. */
  failFor(milliseconds: number): void
  close(): Promise<void>
}

/** `processed, cut` breaks the connection after the application has processed the callback. */
type Response = 'accepted' | '500' | '429' | 'no response' | 'cut' | 'processed, cut'
/** Relative frequency of the responses of a failing and of a working target. */
const failing = { '500': 5, '429': 2, 'no response': 1, cut: 3, 'processed, cut': 3 } as const
const working = { accepted: 95, '500': 2, cut: 1, 'processed, cut': 2 } as const

const payload = z.object({
  type: z.enum(callbackTypes),
  data: z.object({ uid: z.string(), version: z.number() }),
})

/** Starts a target that accepts everything until `failFor` is called. */
export async function startFaultyTarget(seed: number): Promise<FaultyTarget> {
  const chance = chanceFrom(seed)
  const receipts: Receipt[] = []
  const responses = new Map<Response, number>()
  const rejected: string[] = []
  const unanswered = new Set<ServerResponse>()
  const closing = new AbortController()
  let mode: 'failing' | 'working' | 'recovered' = 'recovered'

  function chooseResponse(): Response {
    if (mode === 'recovered') return 'accepted'
    return mode === 'failing' ? chance.weighted(failing) : chance.weighted(working)
  }

  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += String(chunk)
    const { id } = await verifyCallback(body, request.headers, CALLBACK_SECRETS.join())
    const { type, data } = payload.parse(JSON.parse(body))
    const chosen = chooseResponse()
    responses.set(chosen, (responses.get(chosen) ?? 0) + 1)
    receipts.push({ id, body, type, ...data, isAccepted: chosen === 'accepted' })
    respond(chosen, request, response)
  }

  function respond(chosen: Response, request: IncomingMessage, response: ServerResponse): void {
    switch (chosen) {
      case 'accepted':
        response.writeHead(204).end()
        break
      case '500':
        response.writeHead(500).end()
        break
      case '429':
        response.writeHead(429, { 'retry-after': '2' }).end()
        break
      case 'no response':
        unanswered.add(response)
        break
      case 'cut':
      case 'processed, cut':
        request.socket.destroy()
    }
  }

  const server = createServer((request, response) => {
    receive(request, response).catch((error: unknown) => {
      // A killed gateway cuts its requests.
      if (!request.complete) return
      rejected.push(String(error))
      response.writeHead(401).end()
    })
  })
  const { origin, close } = await listen(server, await findFreePort())
  return {
    url: `${origin}/callbacks`,
    receipts,
    responses,
    rejected,
    failFor(milliseconds) {
      void changeModes(chance, milliseconds, closing.signal, (next) => {
        mode = next
      })
    },
    async close() {
      closing.abort()
      await close()
    },
  }
}

async function changeModes(
  chance: Chance,
  overMs: number,
  signal: AbortSignal,
  change: (mode: 'failing' | 'working' | 'recovered') => void,
): Promise<void> {
  const end = Date.now() + overMs
  while (Date.now() < end && !signal.aborted) {
    for (const mode of ['failing', 'working'] as const) {
      change(mode)
      await pause(chance.between(500, 3000), undefined, { signal }).catch(() => undefined)
    }
  }
  change('recovered')
}
