/** Types of the Workers runtime, as far as they are used. */

/** One end of a WebSocket; unused until it is accepted or returned in a response. */
export interface WorkerWebSocket {
  accept(): void
  /** Throws if the socket is closed. */
  send(text: string): void
  close(code?: number, reason?: string): void
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void
  addEventListener(
    type: 'close',
    listener: (event: { readonly code: number; readonly reason: string }) => void,
  ): void
  addEventListener(type: 'error', listener: () => void): void
}

/** A response that may be an upgrade to a WebSocket. */
export interface WebSocketResponse extends Response {
  readonly webSocket: WorkerWebSocket | null
}

/** Context of a request. https://developers.cloudflare.com/workers/runtime-apis/context/ */
export interface ExecutionContext {
  waitUntil(work: Promise<unknown>): void
}

/** Storage of one object. https://developers.cloudflare.com/durable-objects/api/sqlite-storage-api/ */
export interface DurableObjectStorage {
  readonly sql: {
    exec(
      statement: string,
      ...values: readonly (string | number)[]
    ): { toArray(): readonly Readonly<Record<string, unknown>>[] }
  }
  getAlarm(): Promise<number | null>
  setAlarm(milliseconds: number): Promise<void>
}

/** A WebSocket message and its automatic response. */
export interface WebSocketRequestResponsePairLike {
  readonly request: string
  readonly response: string
}

/** https://developers.cloudflare.com/durable-objects/api/state/ */
export interface DurableObjectState extends ExecutionContext {
  readonly storage: DurableObjectStorage
  /** Accepts the socket with hibernation: the object may be evicted while the socket is idle. */
  acceptWebSocket(socket: WorkerWebSocket, tags: readonly string[]): void
  getWebSockets(tag?: string): readonly WorkerWebSocket[]
  getTags(socket: WorkerWebSocket): readonly string[]
  /** Responds to one message text without waking the object. */
  setWebSocketAutoResponse(pair: WebSocketRequestResponsePairLike): void
  /** Delays all other events until the work settles. */
  blockConcurrencyWhile<T>(work: () => Promise<T>): Promise<T>
}

/** RPC methods and `fetch` of an object. */
export type DurableObjectStub<T> = T & { fetch(request: Request): Promise<WebSocketResponse> }

/** https://developers.cloudflare.com/durable-objects/api/namespace/ */
export interface DurableObjectNamespace<T> {
  idFromName(name: string): object
  get(id: object): DurableObjectStub<T>
}
