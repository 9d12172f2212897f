/** Starts gateway processes and an emulator in the test process, whose webhooks reach the gateways. */
import { setMaxListeners } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { startEmulator } from '../../src/emulator/emulator.ts'
import { createRestStreamApi } from '../../src/stream/rest/rest-stream-api.ts'
import { type EmulatorControlApi, controlApiOf } from '../kit/emulator.ts'
import { TEST_SECRET, tokenFor } from '../kit/gateway.ts'
import { type PostgresServer, findPostgres, startPostgres } from '../kit/postgres-server.ts'
import { type WebhookProxy, startWebhookProxy } from './webhook-proxy.ts'
import { type GatewayProcess, findFreePort, startGatewayProcess } from './gateway-process.ts'
import { type RetryingClient, createRetryingClient } from './retrying-client.ts'

export interface Setup {
  readonly gateways: readonly [GatewayProcess, ...GatewayProcess[]]
  /** Shared PostgreSQL; null for one gateway, which uses a SQLite file. */
  readonly database: PostgresServer | null
  /** Receives Stream's webhooks. */
  readonly webhookProxy: WebhookProxy
  /** Gateway at which an upload is watched, by uid: its webhooks go to another gateway. */
  readonly watchedAt: Map<string, () => string>
  readonly emulator: EmulatorControlApi & { readonly url: string }
  /** Secret that Stream signs webhooks with. */
  readonly webhookSecret: string
  /** Unexpected responses and errors, as sentences. */
  readonly unexpectedErrors: string[]
  /** Responses that asked a client to retry later, by error code; empty for one gateway. */
  readonly retryLater: ReadonlyMap<string, number>
  /**
   * Creates a client that retries until success or until the timeout of the run.
   * @param index of the first gateway, modulo the number of gateways. @default 0
   */
  as(subject: string, index?: number): Promise<RetryingClient>
  readonly admin: RetryingClient
  /** Administrator whose requests start at another gateway. */
  readonly adminAt: (index: number) => RetryingClient
  end(): Promise<void>
}

export interface SetupOptions {
  readonly encodeMs: number
  readonly pace: number
  /** Timeout of all creators together; the administrator has one minute more. */
  readonly timeoutMs: number
  /** More than one gateway share a PostgreSQL server. @default 1 */
  readonly gatewayCount?: number
  /** Further variables of the gateways. */
  readonly variables?: Readonly<Record<string, string>>
}

/** With fsync, so that killing the server loses no committed transaction. */
const DURABLE = true

export async function startSetup(options: SetupOptions): Promise<Setup> {
  const { encodeMs, pace, timeoutMs, gatewayCount = 1 } = options
  const closers: (() => Promise<unknown>)[] = []
  async function end(): Promise<void> {
    for (const close of closers.splice(0).toReversed()) await close()
  }
  try {
    const folder = await mkdtemp(join(tmpdir(), 'headgate-chaos-'))
    closers.push(() => rm(folder, { recursive: true, force: true }))
    const unexpectedErrors: string[] = []
    const emulator = await startEmulator({
      directory: join(folder, 'emulator'),
      storageMinutes: 1_000_000,
      encodeMs,
      onError: (error) => unexpectedErrors.push(`the emulator failed: ${String(error)}`),
    })
    // A request of a killed gateway may stay open; closing the emulator must not wait for it.
    closers.push(() => Promise.race([emulator.close(), pause(2000)]))
    const database = gatewayCount === 1 ? null : await startDatabase()
    if (database !== null) closers.push(() => database.remove())

    const ports = await Promise.all(Array.from({ length: gatewayCount }, findFreePort))
    const [first = '', ...others] = ports.map((port) => `http://127.0.0.1:${port}`)
    const watchedAt = new Map<string, () => string>()
    const retryLater = new Map<string, number>()
    const webhookProxy = await startWebhookProxy([first, ...others], (uid) =>
      watchedAt.get(uid)?.(),
    )
    closers.push(() => webhookProxy.close())
    const { secret } = await createRestStreamApi({
      accountId: emulator.accountId,
      apiToken: emulator.token,
      baseUrl: emulator.apiBaseUrl,
    }).setWebhook(`${webhookProxy.url}/webhooks/stream`)

    const since = Date.now()
    const start = async (port: number): Promise<GatewayProcess> => {
      const gateway = await startGatewayProcess({
        port,
        pace,
        since,
        databaseMayBeDown: database !== null,
        variables: {
          CLOUDFLARE_ACCOUNT_ID: emulator.accountId,
          CLOUDFLARE_API_TOKEN: emulator.token,
          CLOUDFLARE_API_BASE_URL: emulator.apiBaseUrl,
          STREAM_WEBHOOK_SECRET: secret,
          AUTH_JWT_SECRET: TEST_SECRET,
          DATABASE_URL: database?.url(DATABASE) ?? `file:${join(folder, 'headgate.db')}`,
          RATE_LIMIT_CREATES: '100000',
          STREAM_API_BUDGET: String(1200 * gatewayCount),
          ...options.variables,
        },
      })
      closers.push(() => gateway.end())
      return gateway
    }
    const [firstGateway, ...more] = await allStarted(ports.map(start))
    if (firstGateway === undefined) throw new Error('No gateway was started.')

    const creatorSignal = AbortSignal.timeout(timeoutMs)
    // The administrator compares the states after the creators have finished.
    const adminSignal = AbortSignal.timeout(timeoutMs + 60_000)
    // Hundreds of requests listen to each signal; that is no leak.
    setMaxListeners(0, creatorSignal, adminSignal)
    const clientFor = (token: string, signal: AbortSignal, index: number): RetryingClient => {
      const urls = [first, ...others]
      const startIndex = index % urls.length
      const [firstUrl = first, ...rest] = [...urls.slice(startIndex), ...urls.slice(0, startIndex)]
      const gateways = [firstUrl, ...rest] as const
      return createRetryingClient({
        gateways,
        token,
        unexpectedErrors,
        signal,
        ...(database === null ? {} : { retryLater }),
      })
    }
    const rootToken = await tokenFor('root', { scope: 'uploads:admin' })
    return {
      gateways: [firstGateway, ...more],
      database,
      webhookProxy,
      watchedAt,
      emulator: { url: emulator.url, ...controlApiOf(emulator.url) },
      webhookSecret: secret,
      unexpectedErrors,
      retryLater,
      as: async (subject, index = 0) => clientFor(await tokenFor(subject), creatorSignal, index),
      adminAt: (index) => clientFor(rootToken, adminSignal, index),
      admin: clientFor(rootToken, adminSignal, 0),
      end,
    }
  } catch (error) {
    await end()
    throw error
  }
}

const DATABASE = 'chaos'

async function startDatabase(): Promise<PostgresServer> {
  const programs = await findPostgres()
  if (programs === null) throw new Error('PostgreSQL is not installed on this machine.')
  const server = await startPostgres(programs, DURABLE)
  await server.createDatabase(DATABASE)
  return server
}

/** Waits for all gateways before it throws, so that those that started are registered for closing. */
async function allStarted<T>(starting: readonly Promise<T>[]): Promise<readonly T[]> {
  await Promise.allSettled(starting)
  return Promise.all(starting)
}
