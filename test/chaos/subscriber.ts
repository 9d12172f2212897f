/** Watches one upload across cut connections, and remembers all that it was shown. */
import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import { type UploadStatus, isTerminal, uploadStatuses } from '../../src/uploads/upload.ts'
import { type Connection, connect } from './connection.ts'
import type { Item } from './creator-plans.ts'
import { type Line, isPutOff } from './retrying-client.ts'

/** One state that was shown, and when. */
export interface Shown {
  readonly status: UploadStatus
  readonly version: number
  readonly receivedBytes: number | null
  readonly readyAt: string | null
  /** Milliseconds since 1970, by the subscriber's own clock. */
  readonly at: number
}

export interface Subscriber {
  readonly uid: string
  readonly by: Item['watchesBy']
  /** What each connection showed, the oldest connection first. */
  readonly connections: readonly (readonly Shown[])[]
  /** Resolves when a terminal status was shown and the gateway completed the subscription. */
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

/** Goes on, at the next gateway whenever it is cut off, until the upload has ended or it is stopped. */
export function subscribe(line: Line, uid: string, by: Item['watchesBy'] = 'SSE'): Subscriber {
  const connections: Shown[][] = []
  const stopped = new AbortController()
  let current: Connection | null = null

  async function watchOnce(): Promise<boolean> {
    const shown: Shown[] = []
    current = connect(line, by, { query: WATCH, variables: { uid } })
    try {
      for await (const result of current.results) {
        const { data, errors } = resultSchema.parse(result)
        if (data === null || data === undefined) {
          if (isPutOff(line, errors)) return false
          line.surprises.push(`${uid} by ${by}: ${JSON.stringify(errors)}`)
          return false
        }
        if (shown.length === 0) connections.push(shown)
        const { status, version, progress, video } = data.uploadStatus
        const { receivedBytes } = progress
        shown.push({
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
    const last = shown.at(-1)
    if (last !== undefined && isTerminal(last.status)) return true
    if (!stopped.signal.aborted) {
      line.surprises.push(`${uid} by ${by}: completed at ${last?.status ?? 'nothing at all'}`)
    }
    return false
  }

  async function watch(): Promise<void> {
    while (!stopped.signal.aborted) {
      // A cut connection says nothing about the upload.
      if (await watchOnce().catch(() => false)) return
      line.moveOn()
      await pause(100, undefined, { signal: stopped.signal }).catch(() => undefined)
    }
  }

  function stop(): void {
    stopped.abort()
    current?.close()
  }
  line.patience.addEventListener('abort', stop, { once: true })

  return { uid, by, connections, done: watch(), stop }
}

/** Each promise to subscribers that was broken, as a sentence. */
export function brokenPromises({ uid, by, connections }: Subscriber): string[] {
  const broken: string[] = []
  let newest: Shown | null = null
  for (const [number, shown] of connections.entries()) {
    for (const [index, state] of shown.entries()) {
      const say = `${uid} by ${by}, connection ${number + 1}: `
      const before: Shown | undefined = index === 0 ? undefined : shown[index - 1]
      if (before !== undefined && state.version <= before.version) {
        broken.push(`${say}version ${state.version} after ${before.version}`)
      }
      if (newest !== null && state.version < newest.version) {
        broken.push(`${say}version ${state.version} after ${newest.version} was known`)
      }
      if (newest !== null && rank(state) < rank(newest)) {
        broken.push(`${say}${state.status} after ${newest.status}`)
      }
      newest = state
    }
  }
  return broken
}

function rank({ status }: Shown): number {
  return uploadStatuses.indexOf(status)
}
