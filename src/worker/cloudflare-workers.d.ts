/** What the gateway uses of the runtime of Workers. https://developers.cloudflare.com/workers/runtime-apis/ */

declare module 'cloudflare:workers' {
  /** One addressable object. https://developers.cloudflare.com/durable-objects/api/base/ */
  export abstract class DurableObject<Environment> {
    constructor(ctx: import('./runtime-types.ts').ObjectState, env: Environment)
    protected readonly ctx: import('./runtime-types.ts').ObjectState
    protected readonly env: Environment
  }

  /** Keeps whichever request runs at the moment alive until the work is done, some 30 seconds at most. */
  export function waitUntil(work: Promise<unknown>): void
}

/** Two ends of one WebSocket: the first is for the client, the second is ours. */
declare const WebSocketPair: new () => {
  readonly 0: import('./runtime-types.ts').EndOfSocket
  readonly 1: import('./runtime-types.ts').EndOfSocket
}

declare const WebSocketRequestResponsePair: new (
  request: string,
  response: string,
) => import('./runtime-types.ts').AutoResponse
