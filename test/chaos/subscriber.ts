/** Subscribes to one upload, reconnects at the next gateway, and records every received state. */
import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import { type UploadStatus, isTerminal, uploadStatuses } from '../../src/uploads/upload.ts'
import { type Connection, connect } from './connection.ts'
import type { UploadPlan } from './creator-plans.ts'
import { type RetryingClient, isRetryLater } from './retrying-client.ts'

/** One received state. */
export interface ReceivedState {
  readonly status: UploadStatus
  readonly version: number
  readonly receivedBytes: number | null
  readonly readyAt: string | null
  /** Time of receipt, in milliseconds since 1970. */
  readonly at: number
}

export interface Subscriber {
  readonly uid: string
  readonly by: UploadPlan['watchesBy']
  /** Received states by connection, the oldest connection first. */
  readonly connections: readonly (readonly ReceivedState[])[]
  /** Resolves when the gateway has completed the subscription after a terminal status. */
  readonly done: Promise<void>
  stop(): void
}

const WATCH = /* GraphQL */ `
  subscription ($uid: ID!) {
    uploadStatus(uid: $uid) {
      status
      version
      progress {
        receivedBytes
      }
      video {
        readyAt
      }
    }
  }
`

const resultSchema = z.object({
  errors: z.array(z.unknown()).optional(),
  data: z
    .object({
      uploadStatus: z.object({
        status: z.enum(uploadStatuses),
        version: z.number(),
        progress: z.object({ receivedBytes: z.number().nullable() }),
        video: z.object({ readyAt: z.string().nullable() }).nullable(),
      }),
    })
    .nullish(),
})

/** Subscribes until a terminal status or `stop`; reconnects to the next gateway. */
export function subscribe(
  client: RetryingClient,
  uid: string,
  by: UploadPlan['watchesBy'] = 'SSE',
): Subscriber {
  const connections: ReceivedState[][] = []
  const stopped = new AbortController()
  let current: Connection | null = null

  async function watchOnce(): Promise<boolean> {
    const received: ReceivedState[] = []
    current = connect(client, by, { query: WATCH, variables: { uid } })
    try {
      for await (const result of current.results) {
        const { data, errors } = resultSchema.parse(result)
        if (data === null || data === undefined) {
          if (isRetryLater(client, errors)) return false
          client.unexpectedErrors.push(`${uid} by ${by}: ${JSON.stringify(errors)}`)
          return false
        }
        if (received.length === 0) connections.push(received)
        const { status, version, progress, video } = data.uploadStatus
        const { receivedBytes } = progress
        received.push({
          status,
          version,
          receivedBytes,
          readyAt: video?.readyAt ?? null,
          at: Date.now(),
        })
      }
    } finally {
      current.close()
    }
    const last = received.at(-1)
    if (last !== undefined && isTerminal(last.status)) return true
    if (!stopped.signal.aborted) {
      client.unexpectedErrors.push(
        `${uid} by ${by}: completed at ${last?.status ?? 'nothing at all'}`,
      )
    }
    return false
  }

  async function watch(): Promise<void> {
    while (!stopped.signal.aborted) {
      // A lost connection violates no guarantee.
      if (await watchOnce().catch(() => false)) return
      client.useNextGateway()
      await pause(100, undefined, { signal: stopped.signal }).catch(() => undefined)
    }
  }

  function stop(): void {
    stopped.abort()
    current?.close()
  }
  client.signal.addEventListener('abort', stop, { once: true })

  return { uid, by, connections, done: watch(), stop }
}

/** Returns each violated guarantee of subscriptions, as a sentence. */
export function violationsOf({ uid, by, connections }: Subscriber): string[] {
  const violations: string[] = []
  let newest: ReceivedState | null = null
  for (const [number, received] of connections.entries()) {
    for (const [index, state] of received.entries()) {
      const prefix = `${uid} by ${by}, connection ${number + 1}: `
      const previous: ReceivedState | undefined = index === 0 ? undefined : received[index - 1]
      if (previous !== undefined && state.version <= previous.version) {
        violations.push(`${prefix}version ${state.version} after ${previous.version}`)
      }
      if (newest !== null && state.version < newest.version) {
        violations.push(`${prefix}version ${state.version} after ${newest.version} was known`)
      }
      if (newest !== null && rank(state) < rank(newest)) {
        violations.push(`${prefix}${state.status} after ${newest.status}`)
      }
      newest = state
    }
  }
  return violations
}

function rank({ status }: ReceivedState): number {
  return uploadStatuses.indexOf(status)
}
