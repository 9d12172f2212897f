/**
 * Cloudflare Stream on your desk: the door of `headgate/emulator`. One listener, one state, thin
 * faces: REST API, upload host, playback, notices, knobs.
 */
import { setMaxListeners } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { sendAnswer, type AnswerOrCut } from './http-response.ts'
import { ApiError, refuse } from './api-error.ts'
import { AdvancingClock, systemClock, type Clock } from './clock.ts'
import { openDatabase, readClockOffset, saveClockOffset } from './state/database.ts'
import { chooseToken, isReachableByOthers } from './exposure.ts'
import { Faults } from './faults.ts'
import { Notifier } from './webhooks/dispatcher.ts'
import { RequestCounts } from './operations.ts'
import type { EmulatorParts, Settings } from './dependencies.ts'
import { settleInterrupted } from './state/complete-upload.ts'
import { route } from './router.ts'
import { UploadClaims } from './state/upload-locks.ts'
import { VideoFiles } from './state/video-files.ts'
import { VideoLibrary } from './state/video-library.ts'
import { WebhookBook } from './webhooks/webhook-settings.ts'

export type { Clock } from './clock.ts'

/** Everything may be left out. */
export interface EmulatorOptions {
  /** Where to listen. @default '127.0.0.1' */
  readonly host?: string
  /** 0 picks a free one. @default 0 */
  readonly port?: number
  /** How clients reach the emulator, where that differs from host and port. Upload URLs begin so. */
  readonly publicUrl?: string
  /** The hostname by which they reach it at its own port; without effect beside `publicUrl`. */
  readonly publicHost?: string
  /** Where videos and records are kept. Left out: a temporary folder, removed at close. */
  readonly directory?: string
  /** @default 'local' */
  readonly accountId?: string
  /**
   * What the REST API asks for, and the control API too where other machines can reach the emulator:
   * where `host`, `publicUrl` or `publicHost` is not a loopback one.
   * @default 'local-token'; a random one where other machines can reach the emulator
   */
  readonly token?: string
  /** The account's storage limit in minutes. @default 1000 */
  readonly storageMinutes?: number
  /** How long the processing of a received file takes, in milliseconds. @default 2000 */
  readonly encodeMs?: number
  /**
   * A connection is closed when its client sends nothing of an unfinished request, or reads nothing of
   * an unfinished response, for so many milliseconds. @default 120000
   */
  readonly idleTimeoutMs?: number
  /** Another source of time than the computer's. */
  readonly clock?: Clock
  /** Told about failures of the emulator itself, which answer 500; silent where left out. */
  readonly onError?: (error: unknown) => void
}

/** A running emulator. */
export interface Emulator {
  /** Where it listens, without a slash at the end. */
  readonly url: string
  /** How clients reach it: what upload URLs and playback URLs begin with. */
  readonly publicUrl: string
  /** What a client of Cloudflare's API takes as its base: `url` + `/client/v4`. */
  readonly apiBaseUrl: string
  readonly accountId: string
  readonly token: string
  /** Ends at once, open connections too; resolves when everything is let go of. */
  close(): Promise<void>
}

/**
 * Starts an emulator; it listens once the promise resolves. Rejects where the port is taken, and where
 * other machines can reach it with a token that everybody knows.
 */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const { host = '127.0.0.1', port = 0, accountId = 'local' } = options
  const publicUrlAt = (bound: number): string =>
    options.publicUrl?.replace(/\/+$/, '') ??
    `http://${options.publicHost ?? reachableHost(host)}:${bound}`
  const reachableByOthers = isReachableByOthers(host, publicUrlAt(port))
  const token = chooseToken(options.token, reachableByOthers)
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'headgate-emulator-')))
  const removeTemporary = async () => {
    if (options.directory === undefined) await rm(directory, { recursive: true, force: true })
  }
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const files = new VideoFiles(join(directory, 'files'))
  await files.prepare()
  const database = openDatabase(join(directory, 'emulator.db'))

  const server = createServer()
  // A file of 30 GB takes longer than the five minutes that Node gives a request.
  server.requestTimeout = 0
  const boundPort = await listen(server, host, port).catch(async (error: unknown) => {
    database.close()
    await removeTemporary()
    throw error
  })
  const url = `http://${reachableHost(host)}:${boundPort}`
  const publicUrl = publicUrlAt(boundPort)
  const closing = new AbortController()
  // Each answer that is held back listens to it: many are no leak.
  setMaxListeners(0, closing.signal)
  const settings: Settings = {
    accountId,
    token,
    storageMinutes: options.storageMinutes ?? 1000,
    encodeMs: options.encodeMs ?? 2000,
    publicUrl,
    reachableByOthers,
  }
  const parts = assemble({
    settings,
    database,
    files,
    closing: closing.signal,
    time: options.clock ?? systemClock,
    onError: options.onError ?? (() => undefined),
  })
  const underWay = serve(server, parts, options.idleTimeoutMs ?? 120_000)

  const close = async () => {
    closing.abort()
    const ended = new Promise((resolve) => {
      server.close(resolve)
    })
    server.closeAllConnections()
    await Promise.all([ended, parts.notifier.close()])
    await Promise.all(underWay)
    database.close()
    await removeTemporary()
  }
  await settleInterrupted(parts).catch(async (error: unknown) => {
    await close()
    throw error
  })
  parts.notifier.wake()
  let closed: Promise<void> | null = null
  return {
    url,
    publicUrl,
    apiBaseUrl: `${url}/client/v4`,
    accountId,
    token,
    close: () => (closed ??= close()),
  }
}

interface AssemblyOptions extends Pick<
  EmulatorParts,
  'closing' | 'database' | 'files' | 'onError' | 'settings'
> {
  readonly time: Clock
}

function assemble({ time, ...given }: AssemblyOptions): EmulatorParts {
  const { database } = given
  const offsetMs = readClockOffset(database)
  const clock = new AdvancingClock(time, offsetMs, (ms) => saveClockOffset(database, ms))
  const library = new VideoLibrary(database)
  const webhook = new WebhookBook(database)
  const faults = new Faults()
  const shared = { ...given, clock, library, webhook, faults }
  return {
    ...shared,
    claims: new UploadClaims(),
    notifier: new Notifier(shared),
    requests: new RequestCounts(),
  }
}

/** Answers requests from now on. The set holds those under way. */
function serve(
  server: Server,
  parts: EmulatorParts,
  idleTimeoutMs: number,
): ReadonlySet<Promise<void>> {
  const underWay = new Set<Promise<void>>()
  // Without a listener, an error of the listening socket would end the process.
  server.on('error', parts.onError)
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    // A connection that breaks is the client's affair; without listeners it would end the process.
    request.on('error', () => undefined)
    response.on('error', () => undefined)
    // Node has no timeout here: neither for requests, which may take long, nor for responses. A
    // response that the emulator itself holds back has sent no headers.
    response.setTimeout(idleTimeoutMs, () => {
      if (!request.complete || response.headersSent) request.socket.destroy()
    })
    const work = answerRequest(parts, request, response)
      .catch((error: unknown) => {
        parts.onError(error)
        response.destroy()
      })
      .finally(() => {
        underWay.delete(work)
      })
    underWay.add(work)
  })
  return underWay
}

async function answerRequest(
  parts: EmulatorParts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const given = await routeSafely(parts, request)
  await sendAnswer(request, response, given).catch(() => response.destroy())
}

/** 500 for whatever is thrown, at once or later. */
async function routeSafely(parts: EmulatorParts, request: IncomingMessage): Promise<AnswerOrCut> {
  try {
    return await route(parts, request)
  } catch (error) {
    if (parts.closing.aborted) return null
    parts.onError(error)
    return refuse(new ApiError(500, 10_001, 'Internal error of the emulator'))
  }
}

/** The port that was bound. */
function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      const address = server.address()
      resolve(address !== null && typeof address === 'object' ? address.port : port)
    })
  })
}

/** An address that says "every interface" is reached at the loopback one. */
function reachableHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}
