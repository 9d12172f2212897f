/**
 * Starts a local emulator of Cloudflare Stream; public entry `headgate/emulator`. One HTTP server
 * serves the REST API, upload host, playback host and control API, and webhooks are sent from it.
 */
import { setMaxListeners } from 'node:events'
import { createServer, type Server } from 'node:http'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { AdjustableClock, systemClock, type Clock } from './clock.ts'
import { Connections } from './connections.ts'
import { CountedRequest } from './counted-request.ts'
import { HEADERS_TIMEOUT_MS, MAX_HEADERS } from './limits.ts'
import { openDatabase, readClockOffset, saveClockOffset } from './state/database.ts'
import { chooseToken, isReachableByOthers } from './exposure.ts'
import { Faults } from './faults.ts'
import { WebhookDispatcher } from './webhooks/dispatcher.ts'
import { RequestCounts } from './operations.ts'
import type { EmulatorDependencies } from './dependencies.ts'
import { PlaybackTokens } from './playback/playback-tokens.ts'
import { Renditions } from './remux/renditions.ts'
import { serveRequests } from './serve-requests.ts'
import type { Settings } from './settings.ts'
import { resumeInterrupted } from './state/complete-upload.ts'
import { deleteDue, removeUnneededFiles } from './state/delete-video.ts'
import { ExpiredUploads } from './state/expired-uploads.ts'
import { SigningKeys } from './state/signing-keys.ts'
import { Turns } from './turns.ts'
import { UploadLocks } from './state/upload-locks.ts'
import { VideoFiles } from './state/video-files.ts'
import { VideoLibrary } from './state/video-library.ts'
import { Watermarks } from './state/watermarks.ts'
import { WebhookSettings } from './webhooks/webhook-settings.ts'

export type { Clock } from './clock.ts'

/** All options are optional. */
export interface EmulatorOptions {
  /** Address to listen on. @default '127.0.0.1' */
  readonly host?: string
  /** 0 picks a free port. @default 0 */
  readonly port?: number
  /** Base URL for clients when it differs from host and port. Upload URLs start with it. */
  readonly publicUrl?: string
  /** Hostname for clients at the emulator's own port. Ignored when `publicUrl` is set. */
  readonly publicHost?: string
  /** Folder of videos and database. When omitted: a temporary folder, removed at close. */
  readonly directory?: string
  /** @default 'local' */
  readonly accountId?: string
  /**
   * Bearer token of the REST API. The control API requires it when other machines can reach the
   * emulator: when `host`, `publicUrl` or `publicHost` is not a loopback address.
   * @default 'local-token'; a random token when other machines can reach the emulator
   */
  readonly token?: string
  /** The account's storage limit in minutes. @default 1000 */
  readonly storageMinutes?: number
  /**
   * Maximum bytes of all stored files, unfinished ones and segments included. Requests that would exceed it get 503.
   * @default 20000000000
   */
  readonly diskBytes?: number
  /** Processing time of a received file, in milliseconds. @default 2000 */
  readonly encodeMs?: number
  /**
   * Milliseconds without progress after which a connection is closed: its client sends nothing of
   * an unfinished request, or reads nothing of an unfinished response. @default 120000
   */
  readonly idleTimeoutMs?: number
  /** Replaces the system clock. */
  readonly clock?: Clock
  /** Receives internal errors, which respond 500 inside a request. Ignored when omitted. */
  readonly onError?: (error: unknown) => void
}

/** A running emulator. */
export interface Emulator {
  /** Base URL of the HTTP server, without a trailing slash. */
  readonly url: string
  /** Base URL for clients: upload URLs and playback URLs start with it. */
  readonly publicUrl: string
  /** Base URL for clients of Cloudflare's API: `url` + `/client/v4`. */
  readonly apiBaseUrl: string
  readonly accountId: string
  readonly token: string
  /** Closes all connections immediately; resolves when all resources are released. */
  close(): Promise<void>
}

/**
 * Starts an emulator; it listens once the promise resolves. Rejects when the port is in use, and
 * when other machines can reach the emulator with the well-known token or an empty one.
 */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const { host = '127.0.0.1', port = 0, accountId = 'local' } = options
  const publicUrlAt = (bound: number): string =>
    options.publicUrl?.replace(/\/+$/, '') ??
    `http://${options.publicHost ?? connectHost(host)}:${bound}`
  const reachableByOthers = isReachableByOthers(host, publicUrlAt(port))
  const token = chooseToken(options.token, reachableByOthers)
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'headgate-emulator-')))
  const removeTemporary = async () => {
    if (options.directory === undefined) await rm(directory, { recursive: true, force: true })
  }
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const files = new VideoFiles(join(directory, 'files'), options.diskBytes ?? 20_000_000_000)
  await files.prepare()
  const database = openDatabase(join(directory, 'emulator.db'))

  const { idleTimeoutMs = 120_000 } = options
  const headersTimeout = Math.min(HEADERS_TIMEOUT_MS, idleTimeoutMs)
  const server = createServer({
    IncomingMessage: CountedRequest,
    // Node would respond without emitting the request, so that such requests could be pipelined without a limit.
    requireHostHeader: false,
    headersTimeout,
    connectionsCheckingInterval: Math.min(1000, headersTimeout),
    // A file of 30 GB takes longer than Node's default request timeout of five minutes.
    requestTimeout: 0,
  })
  // One more than allowed: Node 20 obeys further ones, such as a Content-Length, without showing them.
  server.maxHeadersCount = MAX_HEADERS + 1
  const boundPort = await listen(server, host, port).catch(async (error: unknown) => {
    database.close()
    await removeTemporary()
    throw error
  })
  const url = `http://${connectHost(host)}:${boundPort}`
  const publicUrl = publicUrlAt(boundPort)
  const closing = new AbortController()
  // Each delayed response adds a listener: many listeners are no leak.
  setMaxListeners(0, closing.signal)
  const settings: Settings = {
    accountId,
    token,
    storageMinutes: options.storageMinutes ?? 1000,
    encodeMs: options.encodeMs ?? 2000,
    publicUrl,
    reachableByOthers,
  }
  const dependencies = createDependencies({
    settings,
    database,
    files,
    closing: closing.signal,
    time: options.clock ?? systemClock,
    onError: options.onError ?? (() => undefined),
  })
  const running = serveRequests(server, dependencies, idleTimeoutMs)
  let resuming: Promise<void> = Promise.resolve()

  const close = async () => {
    closing.abort()
    const ended = new Promise((resolve) => {
      server.close(resolve)
    })
    server.closeAllConnections()
    await Promise.all([ended, dependencies.dispatcher.close()])
    await Promise.all([...running, resuming])
    database.close()
    await removeTemporary()
  }
  try {
    await dependencies.renditions.prepare()
    await removeUnneededFiles(dependencies)
    await deleteDue(dependencies)
  } catch (error) {
    await close()
    throw error
  }
  // In the background: files can take minutes to read.
  resuming = resumeInterrupted(dependencies).catch((error: unknown) => {
    if (!closing.signal.aborted) dependencies.onError(error)
  })
  dependencies.dispatcher.wake()
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

interface DependencyOptions extends Pick<
  EmulatorDependencies,
  'closing' | 'database' | 'files' | 'onError' | 'settings'
> {
  readonly time: Clock
}

function createDependencies({ time, ...options }: DependencyOptions): EmulatorDependencies {
  const { database } = options
  const offsetMs = readClockOffset(database)
  const clock = new AdjustableClock(time, offsetMs, (ms) => saveClockOffset(database, ms))
  const library = new VideoLibrary(database)
  const webhook = new WebhookSettings(database)
  const faults = new Faults()
  const signingKeys = new SigningKeys(database)
  const uploadLocks = new UploadLocks()
  const shared = { ...options, clock, library, webhook, faults }
  return {
    ...shared,
    renditions: new Renditions(options.files, options.closing),
    uploadLocks,
    expiredUploads: new ExpiredUploads({ ...shared, uploadLocks }),
    signingKeys,
    watermarks: new Watermarks(database),
    playbackTokens: new PlaybackTokens(signingKeys, clock),
    dispatcher: new WebhookDispatcher(shared),
    requests: new RequestCounts(),
    connections: new Connections(),
    turns: new Turns(),
  }
}

/** Resolves to the bound port. */
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

/** Returns the host part of a URL for `host`. Wildcard addresses become the loopback address. */
function connectHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}
