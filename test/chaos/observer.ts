/** Subscribes to all uploads at one gateway, reconnects, and records the newest version of each. */
import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import type { KnownUpload } from './compare-state.ts'
import { type Connection, connect } from './connection.ts'
import type { UploadPlan } from './creator-plans.ts'
import { type RetryingClient, isRetryLater } from './retrying-client.ts'

export interface Observer {
  /** Number of received events. */
  readonly received: () => number
  /** Each violated guarantee, as a sentence. */
  readonly broken: readonly string[]
  /** Uploads of which the current connection received a version, but not the newest. */
  missing(uploads: readonly KnownUpload[]): string[]
  stop(): void
}

const WATCH_ALL = /* GraphQL */ `
  subscription {
    uploadsChanged {
      uid
      version
    }
  }
`

const resultSchema = z.object({
  errors: z.array(z.unknown()).optional(),
  data: z.object({ uploadsChanged: z.object({ uid: z.string(), version: z.number() }) }).nullish(),
})

/** Subscribes until it is stopped, always at the same gateway. */
export function observeAll(client: RetryingClient, by: UploadPlan['watchesBy']): Observer {
  const broken: string[] = []
  const stopped = new AbortController()
  let current: Connection | null = null
  let versions = new Map<string, number>()
  let received = 0

  async function watchOnce(): Promise<void> {
    versions = new Map()
    current = connect(client, by, { query: WATCH_ALL })
    try {
      for await (const result of current.results) {
        const { data, errors } = resultSchema.parse(result)
        if (data === null || data === undefined) {
          if (!isRetryLater(client, errors)) broken.push(`all by ${by}: ${JSON.stringify(errors)}`)
          return
        }
        const { uid, version } = data.uploadsChanged
        const before = versions.get(uid) ?? 0
        if (version <= before) broken.push(`all by ${by}: ${uid} ${version} after ${before}`)
        versions.set(uid, version)
        received += 1
      }
    } finally {
      current.close()
    }
  }

  async function watch(): Promise<void> {
    while (!stopped.signal.aborted) {
      // A lost connection violates no guarantee.
      await watchOnce().catch(() => undefined)
      await pause(100, undefined, { signal: stopped.signal }).catch(() => undefined)
    }
  }

  function stop(): void {
    stopped.abort()
    current?.close()
  }
  client.signal.addEventListener('abort', stop, { once: true })

  void watch()
  return {
    received: () => received,
    broken,
    missing: (uploads) =>
      uploads.flatMap(({ uid, version }) => {
        const last = versions.get(uid)
        return last === undefined || last >= version
          ? []
          : [`${uid} is at ${version}, the subscriber to all by ${by} last received ${last}`]
      }),
    stop,
  }
}
