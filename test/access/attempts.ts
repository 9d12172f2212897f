/** Ways in: each tries one thing at one door, and says in a few words what came of it. */
import { type Client, createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import type { TestGateway } from '../kit/gateway.ts'

/** What is tried: somebody's upload, and how to make one of one's own. */
export interface Target {
  readonly gateway: TestGateway
  readonly uid: string
  readonly id: string
  readonly uploadURL: string
  /** Mints another one as the owner; resolves with its uid. */
  mintAsOwner(): Promise<string>
}

export type Attempt = (target: Target, token: string | null) => Promise<string>

const bearer = (token: string | null): Record<string, string> =>
  token === null ? {} : { authorization: `Bearer ${token}` }

/** What came, with the secrets of this run written as words. */
function tidy(text: string, { uid, id, uploadURL }: Target): string {
  return text.replaceAll(uploadURL, 'URL').replaceAll(uid, 'UID').replaceAll(id, 'ID')
}

/** An operation by POST. Data as JSON, or the status and code of the error. */
export function byPost(operation: (target: Target) => string): Attempt {
  return async (target, token) => {
    const response = await fetch(`${target.gateway.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...bearer(token) },
      body: JSON.stringify({ query: operation(target) }),
    })
    return tidy(await saidBy(response), target)
  }
}

/** The same by GET. */
export function byGet(operation: (target: Target) => string): Attempt {
  return async (target, token) => {
    const query = encodeURIComponent(operation(target))
    const response = await fetch(`${target.gateway.url}/graphql?query=${query}`, {
      headers: bearer(token),
    })
    return tidy(await saidBy(response), target)
  }
}

async function saidBy(response: Response): Promise<string> {
  const text = await response.text()
  const code = codeIn(text)
  if (code !== null) return response.status === 200 ? code : `${response.status} ${code}`
  return text.replace(/^\{"data":(.*)\}$/s, '$1')
}

/** The code of the first error; null where there is none. */
function codeIn(text: string): string | null {
  return /"extensions":\{"code":"(\w+)"/.exec(text)?.[1] ?? null
}

/** The first event of a subscription over SSE; `provoke` is called once it is open. */
export function bySse(
  operation: (target: Target) => string,
  provoke?: (target: Target, token: string | null) => Promise<void>,
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
    if (response.status !== 200) return tidy(await saidBy(response), target)
    await provoke?.(target, token)
    let text = ''
    for await (const bytes of response.body ?? []) {
      text += new TextDecoder().decode(bytes)
      const [, data] = /^data: ?(\{.*\})$/m.exec(text) ?? []
      if (data === undefined) continue
      return tidy(await saidBy(new Response(data)), target)
    }
    return 'nothing'
  }
}

/** The first event of a subscription over WebSocket, or the code with which the socket was closed. */
export function bySocket(
  operation: (target: Target) => string,
  provoke?: (target: Target, token: string | null) => Promise<void>,
): Attempt {
  return async (target, token) => {
    const client = createClient({
      url: `${target.gateway.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      retryAttempts: 0,
      connectionParams: bearer(token),
    })
    try {
      const first = firstOf(client, operation(target))
      // Answered in turn: once this is answered, the subscription is open.
      await firstOf(client, '{ __typename }')
      await provoke?.(target, token)
      return tidy(await first, target)
    } finally {
      await client.dispose()
    }
  }
}

/** The first answer, or why there is none. */
function firstOf(client: Client, query: string): Promise<string> {
  return new Promise((resolve) => {
    client.subscribe(
      { query },
      {
        next: ({ data, errors }) =>
          resolve(errors === undefined ? JSON.stringify(data) : sayWhy(errors)),
        error: (reason) => resolve(sayWhy(reason)),
        complete: () => resolve('nothing'),
      },
    )
  })
}

/** Errors of the operation, or the code with which the socket was closed. */
function sayWhy(reason: unknown): string {
  if (typeof reason === 'object' && reason !== null && 'code' in reason) {
    return `closed ${String(reason.code)}`
  }
  return codeIn(JSON.stringify(reason)) ?? String(reason)
}

/** A creation at the tus door. */
export const byTus: Attempt = async (target, token) => {
  const response = await fetch(`${target.gateway.url}/tus`, {
    method: 'POST',
    headers: { 'tus-resumable': '1.0.0', 'upload-length': '1000', ...bearer(token) },
  })
  const location = response.headers.get('location')
  return location === null ? `${response.status}` : `${response.status} with a Location`
}

/** The status of a plain request. */
export function byRequest(path: string, init: RequestInit = {}): Attempt {
  return async (target, token) => {
    const headers = new Headers(init.headers)
    for (const [name, value] of Object.entries(bearer(token))) headers.set(name, value)
    const response = await fetch(`${target.gateway.url}${path}`, { ...init, headers })
    await response.body?.cancel()
    return `${response.status}`
  }
}
