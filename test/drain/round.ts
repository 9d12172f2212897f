/** One SIGTERM in the middle of everything, and what it left behind. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { z } from 'zod'
import { type Build, addressOf, start } from '../kit/command.ts'
import type { TestEmulator } from '../kit/emulator.ts'
import { type Answer, type Line, openEvents, openLine } from './http-connection.ts'
import { MINT, minted } from './mint.ts'
import { type Close, openSocket } from './socket.ts'

/** Mutations under way when the signal comes, each over a connection of its own. */
export const MUTATIONS = 20
/** What Stream takes for each, in milliseconds. */
const STREAM_MS = 1000
/** Polls of the emulator and of /readyz, and how long they go on, in milliseconds. */
const POLL_MS = 10
const WITHIN_MS = 10_000

export interface Round {
  /** Answered with a URL, of MUTATIONS. */
  readonly answered: number
  /** Of those, how many said that their connection is over. */
  readonly saidClose: number
  /** Whether the mutation that came over a socket was answered before it closed. */
  readonly answeredOverSocket: boolean
  /** What /readyz said meanwhile, over a connection that was open before. */
  readonly readiness: Answer
  /** All that the SSE subscription was sent. */
  readonly events: string
  readonly close: Close
  /** Whether a `complete` came over the socket: clients would take it for the end. */
  readonly saidComplete: boolean
  readonly exitCode: number | null
  /** From the signal to the end of the process, in milliseconds. */
  readonly tookMs: number
  /** Videos at Stream that the database does not know. */
  readonly orphans: number
  /** Reservations whose outcome is not known. */
  readonly unsettled: number
  /** Whether SQLite's write-ahead log was left beside the file. */
  readonly leftLog: boolean
  /** What SQLite's own check says. */
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
  const lines: Line[] = []
  const line = (url: string): Line => {
    const opened = openLine(url)
    lines.push(opened)
    return opened
  }
  try {
    const url = await addressOf(run)
    const probe = line(url)
    await probe.ask('/readyz')
    const first = minted.parse(JSON.parse((await line(url).ask('/graphql', MINT)).body))
    const { uid } = first.data.createDirectUpload.upload
    // The present state comes first, and shows that a subscription is open.
    const watch = `subscription { uploadStatus(uid: "${uid}") { status } }`
    const events = await openEvents(line(url), watch)
    await events.first
    const socket = await openSocket(url)
    socket.subscribe('watch', watch)
    await socket.message('next', 'watch')

    await emulator.fault({ on: 'direct_upload', delayMs: STREAM_MS, times: MUTATIONS + 1 })
    const answers = Array.from({ length: MUTATIONS }, () =>
      line(url)
        .ask('/graphql', MINT)
        .catch((): null => null),
    )
    socket.subscribe('mint', MINT)
    await untilReached(emulator, 1 + MUTATIONS + 1)

    const signalledAt = performance.now()
    run.child.kill('SIGTERM')
    const readiness = await untilNotReady(probe)
    const given = await Promise.all(answers)
    const exitCode = await run.ended
    const tookMs = performance.now() - signalledAt
    const overSocket = await socket.message('next', 'mint')
    const leftLog = existsSync(`${file}-wal`)
    return {
      answered: given.filter((answer) => isMinted(answer)).length,
      saidClose: given.filter((answer) => answer?.connection === 'close').length,
      answeredOverSocket: minted.safeParse(overSocket?.payload).success,
      readiness,
      events: await events.all,
      close: await socket.closed,
      saidComplete: socket.messages.some(({ type, id }) => type === 'complete' && id === 'watch'),
      exitCode,
      tookMs,
      leftLog,
      ...readDatabase(file, (await emulator.state()).videos),
    }
  } finally {
    for (const opened of lines) opened.hangUp()
    run.child.kill('SIGKILL')
  }
}

function isMinted(answer: Answer | null): boolean {
  if (answer?.status !== 200) return false
  return minted.safeParse(JSON.parse(answer.body)).success
}

/** Resolves when Stream has been asked so often: the mutations are under way then. */
async function untilReached(emulator: TestEmulator, requests: number): Promise<void> {
  const deadline = performance.now() + WITHIN_MS
  while (performance.now() < deadline) {
    const { requests: counted } = await emulator.state()
    if (counted['direct_upload'] === requests) return
    await pause(POLL_MS)
  }
  throw new Error('The mutations did not reach Stream.')
}

/** The first answer of the probe that is not 200. */
async function untilNotReady(probe: Line): Promise<Answer> {
  const deadline = performance.now() + WITHIN_MS
  while (performance.now() < deadline) {
    const answer = await probe.ask('/readyz').catch((error: unknown): Answer => {
      // As it is, so that the test shows it.
      return { status: 0, connection: null, body: String(error) }
    })
    if (answer.status !== 200) return answer
    await pause(POLL_MS)
  }
  throw new Error('The gateway went on being ready.')
}

/** What is left in the file, read after the process is gone. */
function readDatabase(
  file: string,
  videos: readonly { readonly uid: string }[],
): Pick<Round, 'orphans' | 'unsettled' | 'integrity'> {
  const connection = new Database(file, { readonly: true })
  try {
    const uids = connection.prepare<[], string | null>('select uid from uploads').pluck().all()
    const known = new Set(uids)
    return {
      orphans: videos.filter(({ uid }) => !known.has(uid)).length,
      unsettled: uids.filter((uid) => uid === null).length,
      integrity: z.string().parse(connection.pragma('integrity_check', { simple: true })),
    }
  } finally {
    connection.close()
  }
}
