/** A target of callbacks: a real HTTP server that records every attempt, and responds as a test wants. */
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http'
import { z } from 'zod'
import { type CallbackType, callbackTypes } from '../../src/uploads/callbacks/callback-type.ts'
import { listenInTest } from './listen.ts'

const payloadSchema = z.object({
  type: z.enum(callbackTypes),
  timestamp: z.iso.datetime(),
  data: z.looseObject({ uid: z.string(), status: z.string(), version: z.number() }),
})

/** One attempt, as the target received it. */
export interface ReceivedCallback {
  /** The header `webhook-id`. */
  readonly id: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly payload: z.infer<typeof payloadSchema>
}

/** Responds to an attempt, or does not. */
export type Responder = (response: ServerResponse, callback: ReceivedCallback) => void

export interface CallbackTarget {
  readonly url: string
  /** All attempts so far. */
  readonly received: readonly ReceivedCallback[]
  /** How the next attempts are responded to. */
  respond(responder: Responder): void
  /** Resolves with all attempts once there are so many. */
  waitFor(count: number): Promise<readonly ReceivedCallback[]>
  /** Resolves with the attempt of this number, from 1. */
  nth(number: number): Promise<ReceivedCallback>
  /** Resolves with the first attempt of this type. */
  first(type: CallbackType): Promise<ReceivedCallback>
  close(): Promise<void>
}

/** Two secrets, as while one is rotated. */
export const CALLBACK_SECRETS = [
  `whsec_${btoa('n'.repeat(32))}`,
  `whsec_${btoa('o'.repeat(24))}`,
] as const

/** The variables of a gateway that sends its callbacks to these targets. */
export function callbackVariables(
  ...targets: readonly (Pick<CallbackTarget, 'url'> | string)[]
): Readonly<Record<string, string>> {
  return {
    CALLBACK_URLS: targets
      .map((target) => (typeof target === 'string' ? target : target.url))
      .join(','),
    CALLBACK_SECRET: CALLBACK_SECRETS.join(','),
  }
}

/** Responds with this status. */
export function status(code: number, headers: Readonly<Record<string, string>> = {}): Responder {
  return (response) => response.writeHead(code, headers).end()
}

/** Starts a target on a free port, which responds with 204. It is closed when the test ends. */
export async function startCallbackTarget(
  path = '/callbacks?key=target-key',
): Promise<CallbackTarget> {
  const received: ReceivedCallback[] = []
  const waiting = new Set<() => void>()
  let respond: Responder = status(204)

  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const callback = await read(request)
    received.push(callback)
    respond(response, callback)
    for (const wake of waiting) wake()
  }

  /** Resolves with the first attempt for which the condition holds. */
  async function find(
    condition: (callback: ReceivedCallback, index: number) => boolean,
  ): Promise<ReceivedCallback> {
    for (;;) {
      const found = received.find(condition)
      if (found !== undefined) return found
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          waiting.delete(wake)
          resolve()
        }
        waiting.add(wake)
      })
    }
  }

  const server = createServer((request, response) => {
    receive(request, response).catch((error: unknown) => {
      response.writeHead(400).end(String(error))
    })
  })
  const { origin, close } = await listenInTest(server)
  return {
    url: origin + path,
    received,
    respond(responder) {
      respond = responder
    },
    async waitFor(count) {
      await find((_callback, index) => index === count - 1)
      return received
    },
    nth: (number) => find((_callback, index) => index === number - 1),
    first: (type) => find(({ payload }) => payload.type === type),
    close,
  }
}

async function read(request: IncomingMessage): Promise<ReceivedCallback> {
  let body = ''
  for await (const chunk of request.setEncoding('utf8')) body += String(chunk)
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(request.headers)) headers[name] = String(value)
  return {
    id: headers['webhook-id'] ?? '',
    headers,
    body,
    payload: payloadSchema.parse(JSON.parse(body)),
  }
}
