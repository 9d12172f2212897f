/** Watches all uploads at one gateway, which may be cut off, and remembers the newest that it was shown. */
import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import type { KnownUpload } from './compare-state.ts'
import { type Connection, connect } from './connection.ts'
import type { Item } from './creator-plans.ts'
import { type Line, isPutOff } from './retrying-client.ts'

export interface Onlooker {
  /** How many changes it was shown. */
  readonly shown: () => number
  /** Each promise to it that was broken, as a sentence. */
  readonly broken: readonly string[]
  /** Uploads of which it was shown a version, but not the last, by the connection that stands. */
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

/** Goes on at the same gateway until it is stopped. */
export function lookOn(line: Line, by: Item['watchesBy']): Onlooker {
  const broken: string[] = []
  const stopped = new AbortController()
  let current: Connection | null = null
  let versions = new Map<string, number>()
  let shown = 0

  async function watchOnce(): Promise<void> {
    versions = new Map()
    current = connect(line, by, { query: WATCH_ALL })
    try {
      for await (const result of current.results) {
        const { data, errors } = resultSchema.parse(result)
        if (data === null || data === undefined) {
          if (!isPutOff(line, errors)) broken.push(`all by ${by}: ${JSON.stringify(errors)}`)
          return
        }
        const { uid, version } = data.uploadsChanged
        const before = versions.get(uid) ?? 0
        if (version <= before) broken.push(`all by ${by}: ${uid} ${version} after ${before}`)
        versions.set(uid, version)
        shown += 1
      }
    } finally {
      current.close()
    }
  }

  async function watch(): Promise<void> {
    while (!stopped.signal.aborted) {
      // A cut connection says nothing about any upload.
      await watchOnce().catch(() => undefined)
      await pause(100, undefined, { signal: stopped.signal }).catch(() => undefined)
    }
  }

  function stop(): void {
    stopped.abort()
    current?.close()
  }
  line.patience.addEventListener('abort', stop, { once: true })

  void watch()
  return {
    shown: () => shown,
    broken,
    missing: (uploads) =>
      uploads.flatMap(({ uid, version }) => {
        const last = versions.get(uid)
        return last === undefined || last >= version
          ? []
          : [`${uid} is at ${version}, whoever watches all by ${by} was last shown ${last}`]
      }),
    stop,
  }
}
