/** Attempts: each sends one request to one endpoint and returns its outcome as a short text. */
import { type Client, createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import type { TestGateway } from '../kit/gateway.ts'

/** The upload of the owner that an attempt uses, and the gateway that holds it. */
export interface Target {
  readonly gateway: TestGateway
  readonly uid: string
  readonly id: string
  readonly uploadURL: string
  /** Creates another upload as the owner; resolves with its uid. */
  createAsOwner(): Promise<string>
  /** Resolves with the uid of the owner's video of this kind, which is READY. */
  videoOfOwner(kind: VideoKind): Promise<string>
}

export type VideoKind = 'public' | 'private'

export type Attempt = (target: Target, token: string | null) => Promise<string>

const bearer = (token: string | null): Record<string, string> =>
  token === null ? {} : { authorization: `Bearer ${token}` }

/** Replaces the values that differ in each run by placeholders. */
function normalize(text: string, { uid, id, uploadURL }: Target): string {
  return text.replaceAll(uploadURL, 'URL').replaceAll(uid, 'UID').replaceAll(id, 'ID')
}

/** Sends an operation by POST. Returns the data as JSON, or the status and code of the error. */
export function byPost(operation: (target: Target) => string): Attempt {
  return async (target, token) => {
    const response = await fetch(`${target.gateway.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...bearer(token) },
      body: JSON.stringify({ query: operation(target) }),
    })
    return normalize(await outcomeOf(response), target)
  }
}

/** Sends an operation by GET. */
export function byGet(operation: (target: Target) => string): Attempt {
  return async (target, token) => {
    const query = encodeURIComponent(operation(target))
    const response = await fetch(`${target.gateway.url}/graphql?query=${query}`, {
      headers: bearer(token),
    })
    return normalize(await outcomeOf(response), target)
  }
}

async function outcomeOf(response: Response): Promise<string> {
  const text = await response.text()
  const code = codeIn(text)
  if (code !== null) return response.status === 200 ? code : `${response.status} ${code}`
  return text.replace(/^\{"data":(.*)\}$/s, '$1')
}

/** Returns the code of the first error, or null. */
function codeIn(text: string): string | null {
  return /"extensions":\{"code":"(\w+)"/.exec(text)?.[1] ?? null
}

/** Returns the first event of a subscription over SSE. Calls `onOpen` once it is open. */
export function bySse(
  operation: (target: Target) => string,
  onOpen?: (target: Target, token: string | null) => Promise<void>,
): Attempt {
  return async (target, token) => {
    const response = await fetch(`${target.gateway.url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'text/event-stream',
        ...bearer(token),
      },
      body: JSON.stringify({ query: operation(target) }),
    })
    if (response.status !== 200) return normalize(await outcomeOf(response), target)
    await onOpen?.(target, token)
    let text = ''
    for await (const bytes of response.body ?? []) {
      text += new TextDecoder().decode(bytes)
      const [, data] = /^data: ?(\{.*\})$/m.exec(text) ?? []
      if (data === undefined) continue
      return normalize(await outcomeOf(new Response(data)), target)
    }
    return 'nothing'
  }
}

/** Returns the first event of a subscription over WebSocket, or the close code of the socket. */
export function bySocket(
  operation: (target: Target) => string,
  onOpen?: (target: Target, token: string | null) => Promise<void>,
): Attempt {
  return async (target, token) => {
    const client = createClient({
      url: `${target.gateway.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      retryAttempts: 0,
      connectionParams: bearer(token),
    })
    try {
      const first = firstResult(client, operation(target))
      // Operations start in order: once this query has its result, the subscription is open.
      await firstResult(client, '{ __typename }')
      await onOpen?.(target, token)
      return normalize(await first, target)
    } finally {
      await client.dispose()
    }
  }
}

/** Returns the first result, or the error in its place. */
function firstResult(client: Client, query: string): Promise<string> {
  return new Promise((resolve) => {
    client.subscribe(
      { query },
      {
        next: ({ data, errors }) =>
          resolve(errors === undefined ? JSON.stringify(data) : describeError(errors)),
        error: (reason) => resolve(describeError(reason)),
        complete: () => resolve('nothing'),
      },
    )
  })
}

/** Returns the error code of the operation, or the close code of the socket. */
function describeError(reason: unknown): string {
  if (typeof reason === 'object' && reason !== null && 'code' in reason) {
    return `closed ${String(reason.code)}`
  }
  return codeIn(JSON.stringify(reason)) ?? String(reason)
}

/** Creates an upload at `/tus`. */
export const byTus: Attempt = async (target, token) => {
  const response = await fetch(`${target.gateway.url}/tus`, {
    method: 'POST',
    headers: { 'tus-resumable': '1.0.0', 'upload-length': '1000', ...bearer(token) },
  })
  const location = response.headers.get('location')
  return location === null ? `${response.status}` : `${response.status} with a Location`
}

/** Returns the status of a plain request. */
export function byRequest(path: string, init: RequestInit = {}): Attempt {
  return async (target, token) => {
    const headers = new Headers(init.headers)
    for (const [name, value] of Object.entries(bearer(token))) headers.set(name, value)
    const response = await fetch(`${target.gateway.url}${path}`, { ...init, headers })
    await response.body?.cancel()
    return `${response.status}`
  }
}

/**
 * Sends an operation about a READY video of the owner, with the uid of the video in the target. Replaces its uid,
 * its token and the host of Stream by placeholders.
 */
export function onVideo(kind: VideoKind, attempt: Attempt): Attempt {
  return async (target, token) => {
    const uid = await target.videoOfOwner(kind)
    const text = await attempt({ ...target, uid, id: btoa(`Upload:${uid}`) }, token)
    return text.replaceAll(target.gateway.emulator.url, 'STREAM').replaceAll(/eyJ[\w.-]+/g, 'TOKEN')
  }
}
