/** Sends one SIGTERM to a gateway with requests in flight, and records how it shuts down. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { z } from 'zod'
import { type Build, addressOf, start } from '../kit/command.ts'
import type { TestEmulator } from '../kit/emulator.ts'
import {
  type HttpResponse,
  type KeepAliveConnection,
  openEvents,
  openConnection,
} from './http-connection.ts'
import { CREATE_UPLOAD, successSchema } from './mint.ts'
import { type Close, openSocket } from './socket.ts'

/** Mutations in flight at the signal, each on its own connection. */
export const MUTATIONS = 20
/** Response time of Stream for each, in milliseconds. */
const STREAM_MS = 1000
/** Interval and timeout of the polls of the emulator and of /readyz, in milliseconds. */
const POLL_MS = 10
const TIMEOUT_MS = 10_000

export interface Round {
  /** Mutations that returned an upload URL, of MUTATIONS. */
  readonly completed: number
  /** Responses to mutations with `Connection: close`. */
  readonly announcedClose: number
  /** Whether the mutation over the WebSocket returned its result before the close. */
  readonly completedOverSocket: boolean
  /** Response of /readyz during the shutdown, on a connection opened before. */
  readonly readiness: HttpResponse
  /** Complete text of the SSE subscription. */
  readonly events: string
  readonly close: Close
  /** Whether `complete` was received: after it, clients do not subscribe again. */
  readonly receivedComplete: boolean
  readonly exitCode: number | null
  /** From the signal to the exit of the process, in milliseconds. */
  readonly durationMs: number
  /** Videos at Stream without an upload in the database. */
  readonly orphans: number
  /** Reservations without an outcome. */
  readonly withoutOutcome: number
  /** Whether SQLite's write-ahead log file remains. */
  readonly leftWal: boolean
  /** Result of SQLite's integrity check. */
  readonly integrity: string
}

export async function runRound(
  build: Build,
  emulator: TestEmulator,
  number: number,
): Promise<Round> {
  await emulator.reset()
  const file = join(build.folder, `drain-${number}.db`)
  const run = start(build, ['serve'], {
    PORT: '0',
    CLOUDFLARE_ACCOUNT_ID: emulator.accountId,
    CLOUDFLARE_API_TOKEN: emulator.token,
    CLOUDFLARE_API_BASE_URL: emulator.apiBaseUrl,
    DATABASE_URL: `file:${file}`,
    AUTH_DISABLED: 'true',
    RATE_LIMIT_CREATES: '1000',
  })
  const connections: KeepAliveConnection[] = []
  const connect = (url: string): KeepAliveConnection => {
    const opened = openConnection(url)
    connections.push(opened)
    return opened
  }
  try {
    const url = await addressOf(run)
    const probe = connect(url)
    await probe.request('/readyz')
    const first = successSchema.parse(
      JSON.parse((await connect(url).request('/graphql', CREATE_UPLOAD)).body),
    )
    const { uid } = first.data.createDirectUpload.upload
    // The current state is the first event; it shows that the subscription is open.
    const watch = `subscription { uploadStatus(uid: "${uid}") { status } }`
    const events = await openEvents(connect(url), watch)
    await events.firstEvent
    const socket = await openSocket(url)
    socket.subscribe('watch', watch)
    await socket.message('next', 'watch')

    await emulator.fault({ on: 'direct_upload', delayMs: STREAM_MS, times: MUTATIONS + 1 })
    const pendingResponses = Array.from({ length: MUTATIONS }, () =>
      connect(url)
        .request('/graphql', CREATE_UPLOAD)
        .catch((): null => null),
    )
    socket.subscribe('mint', CREATE_UPLOAD)
    await waitForRequests(emulator, 1 + MUTATIONS + 1)

    const signalledAt = performance.now()
    run.child.kill('SIGTERM')
    const readiness = await waitUntilNotReady(probe)
    const responses = await Promise.all(pendingResponses)
    const exitCode = await run.ended
    const durationMs = performance.now() - signalledAt
    const socketResult = await socket.message('next', 'mint')
    const leftWal = existsSync(`${file}-wal`)
    return {
      completed: responses.filter((response) => isSuccess(response)).length,
      announcedClose: responses.filter((response) => response?.connection === 'close').length,
      completedOverSocket: successSchema.safeParse(socketResult?.payload).success,
      readiness,
      events: await events.fullText,
      close: await socket.closed,
      receivedComplete: socket.messages.some(
        ({ type, id }) => type === 'complete' && id === 'watch',
      ),
      exitCode,
      durationMs,
      leftWal,
      ...readDatabase(file, (await emulator.state()).videos),
    }
  } finally {
    for (const opened of connections) opened.disconnect()
    run.child.kill('SIGKILL')
  }
}

function isSuccess(response: HttpResponse | null): boolean {
  if (response?.status !== 200) return false
  return successSchema.safeParse(JSON.parse(response.body)).success
}

/** Resolves when Stream has received this many requests: the mutations are then in flight. */
async function waitForRequests(emulator: TestEmulator, requests: number): Promise<void> {
  const deadline = performance.now() + TIMEOUT_MS
  while (performance.now() < deadline) {
    const { requests: counts } = await emulator.state()
    if (counts['direct_upload'] === requests) return
    await pause(POLL_MS)
  }
  throw new Error('The mutations did not reach Stream.')
}

/** Resolves with the first response of /readyz that is not 200. */
async function waitUntilNotReady(probe: KeepAliveConnection): Promise<HttpResponse> {
  const deadline = performance.now() + TIMEOUT_MS
  while (performance.now() < deadline) {
    const response = await probe.request('/readyz').catch((error: unknown): HttpResponse => {
      // Recorded as a response, so that the failed assertion shows the error.
      return { status: 0, connection: null, body: String(error) }
    })
    if (response.status !== 200) return response
    await pause(POLL_MS)
  }
  throw new Error('The gateway stayed ready.')
}

/** Reads the database file after the process has exited. */
function readDatabase(
  file: string,
  videos: readonly { readonly uid: string }[],
): Pick<Round, 'orphans' | 'withoutOutcome' | 'integrity'> {
  const connection = new Database(file, { readonly: true })
  try {
    const uids = connection.prepare<[], string | null>('select uid from uploads').pluck().all()
    const known = new Set(uids)
    return {
      orphans: videos.filter(({ uid }) => !known.has(uid)).length,
      withoutOutcome: uids.filter((uid) => uid === null).length,
      integrity: z.string().parse(connection.pragma('integrity_check', { simple: true })),
    }
  } finally {
    connection.close()
  }
}
