/** What the runtime of Workers hands in, as far as the gateway uses it. */

/** An end of a WebSocket, which is nobody's until it is accepted or handed out. */
export interface EndOfSocket {
  accept(): void
  /** Throws where it is closed. */
  send(text: string): void
  close(code?: number, reason?: string): void
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void
  addEventListener(
    type: 'close',
    listener: (event: { readonly code: number; readonly reason: string }) => void,
  ): void
  addEventListener(type: 'error', listener: () => void): void
}

/** An answer that may have changed to a WebSocket. */
export interface SocketResponse extends Response {
  readonly webSocket: EndOfSocket | null
}

/** Work that outlives its request. https://developers.cloudflare.com/workers/runtime-apis/context/ */
export interface RequestContext {
  waitUntil(work: Promise<unknown>): void
}

/** What is written down with one object. https://developers.cloudflare.com/durable-objects/api/sqlite-storage-api/ */
export interface ObjectStorage {
  readonly sql: {
    exec(
      statement: string,
      ...values: readonly (string | number)[]
    ): { toArray(): readonly Readonly<Record<string, unknown>>[] }
  }
  getAlarm(): Promise<number | null>
  setAlarm(milliseconds: number): Promise<void>
}

/** A question by WebSocket, and what it is answered. */
export interface AutoResponse {
  readonly request: string
  readonly response: string
}

/** https://developers.cloudflare.com/durable-objects/api/state/ */
export interface ObjectState extends RequestContext {
  readonly storage: ObjectStorage
  /** Accepts it so that the object may sleep while nothing is said. */
  acceptWebSocket(socket: EndOfSocket, tags: readonly string[]): void
  getWebSockets(tag?: string): readonly EndOfSocket[]
  getTags(socket: EndOfSocket): readonly string[]
  /** Answers one text by another, without waking the object. */
  setWebSocketAutoResponse(pair: AutoResponse): void
  /** Nothing else is begun until the work is done. */
  blockConcurrencyWhile<T>(work: () => Promise<T>): Promise<T>
}

/** Calls travel to the object and back. */
export type Stub<T> = T & { fetch(request: Request): Promise<SocketResponse> }

/** https://developers.cloudflare.com/durable-objects/api/namespace/ */
export interface ObjectNamespace<T> {
  idFromName(name: string): object
  get(id: object): Stub<T>
}
