/** The used part of the Workers runtime. https://developers.cloudflare.com/workers/runtime-apis/ */

declare module 'cloudflare:workers' {
  /** Base class of a Durable Object. https://developers.cloudflare.com/durable-objects/api/base/ */
  export abstract class DurableObject<Environment> {
    constructor(ctx: import('./runtime-types.ts').DurableObjectState, env: Environment)
    protected readonly ctx: import('./runtime-types.ts').DurableObjectState
    protected readonly env: Environment
  }

  /** Extends the current request or event until the work settles, by about 30 seconds at most. */
  export function waitUntil(work: Promise<unknown>): void
}

/** Both ends of one WebSocket: 0 for the client, 1 for the Worker. */
declare const WebSocketPair: new () => {
  readonly 0: import('./runtime-types.ts').WorkerWebSocket
  readonly 1: import('./runtime-types.ts').WorkerWebSocket
}

declare const WebSocketRequestResponsePair: new (
  request: string,
  response: string,
) => import('./runtime-types.ts').WebSocketRequestResponsePairLike
