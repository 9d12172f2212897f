/** Gateway processes and an emulator that outlives them, joined by a webhook. */
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
import { type Front, startFront } from './webhook-proxy.ts'
import { type GatewayProcess, quietPort, startGatewayProcess } from './gateway-process.ts'
import { type Line, createLine } from './retrying-client.ts'

export interface Setup {
  readonly gateways: readonly [GatewayProcess, ...GatewayProcess[]]
  /** What several gateways share; null where there is one, with a file of its own. */
  readonly database: PostgresServer | null
  /** Where Stream sends its notices. */
  readonly front: Front
  /** At which gateway an upload is watched, by its uid: the front sends its notices to another. */
  readonly watchedAt: Map<string, () => string>
  readonly emulator: EmulatorControlApi & { readonly url: string }
  /** What Stream signs its notices with. */
  readonly webhookSecret: string
  /** Answers that no client should ever see. */
  readonly surprises: string[]
  /** How often callers of several gateways were asked to come again later, by code. */
  readonly putOff: ReadonlyMap<string, number>
  /**
   * A caller who asks until it is answered, or the patience of all is at an end.
   * @param place of the gateway that is asked first; any whole number. @default 0
   */
  as(subject: string, place?: number): Promise<Line>
  readonly admin: Line
  /** The same, who asks another gateway first. */
  readonly adminAt: (place: number) => Line
  end(): Promise<void>
}

export interface SetupOptions {
  readonly encodeMs: number
  readonly pace: number
  /** Of creators; whoever keeps the books has a minute more. */
  readonly patienceMs: number
  /** More than one share a PostgreSQL of their own. @default 1 */
  readonly gatewayCount?: number
}

/** What is written down is on the disk, so that killing the server loses nothing. */
const DURABLE = true

export async function setSetup(options: SetupOptions): Promise<Setup> {
  const { encodeMs, pace, patienceMs: backoffMs, gatewayCount = 1 } = options
  const closers: (() => Promise<unknown>)[] = []
  async function end(): Promise<void> {
    for (const close of closers.splice(0).toReversed()) await close()
  }
  try {
    const folder = await mkdtemp(join(tmpdir(), 'headgate-chaos-'))
    closers.push(() => rm(folder, { recursive: true, force: true }))
    const surprises: string[] = []
    const emulator = await startEmulator({
      directory: join(folder, 'emulator'),
      storageMinutes: 1_000_000,
      encodeMs,
      onError: (error) => surprises.push(`the emulator failed: ${String(error)}`),
    })
    // A request whose client was killed may never end: that is not what is tested here.
    closers.push(() => Promise.race([emulator.close(), pause(2000)]))
    const database = gatewayCount === 1 ? null : await startDatabase()
    if (database !== null) closers.push(() => database.remove())

    const ports = await Promise.all(Array.from({ length: gatewayCount }, quietPort))
    const [first = '', ...others] = ports.map((port) => `http://127.0.0.1:${port}`)
    const watchedAt = new Map<string, () => string>()
    const putOff = new Map<string, number>()
    const front = await startFront([first, ...others], (uid) => watchedAt.get(uid)?.())
    closers.push(() => front.close())
    const { secret } = await createRestStreamApi({
      accountId: emulator.accountId,
      apiToken: emulator.token,
      baseUrl: emulator.apiBaseUrl,
    }).setWebhook(`${front.url}/webhooks/stream`)

    const since = Date.now()
    const start = async (port: number): Promise<GatewayProcess> => {
      const gateway = await startGatewayProcess({
        port,
        pace,
        since,
        forgivesAbsence: database !== null,
        variables: {
          CLOUDFLARE_ACCOUNT_ID: emulator.accountId,
          CLOUDFLARE_API_TOKEN: emulator.token,
          CLOUDFLARE_API_BASE_URL: emulator.apiBaseUrl,
          STREAM_WEBHOOK_SECRET: secret,
          AUTH_JWT_SECRET: TEST_SECRET,
          DATABASE_URL: database?.url(DATABASE) ?? `file:${join(folder, 'headgate.db')}`,
          RATE_LIMIT_CREATES: '100000',
          STREAM_API_BUDGET: String(1200 * gatewayCount),
        },
      })
      closers.push(() => gateway.end())
      return gateway
    }
    const [one, ...more] = await allStarted(ports.map(start))
    if (one === undefined) throw new Error('There is no gateway.')

    const ofCreators = AbortSignal.timeout(backoffMs)
    // Who keeps the books must still be able to say what was lost.
    const ofAdmin = AbortSignal.timeout(backoffMs + 60_000)
    // Hundreds of requests wait on each: that is no leak.
    setMaxListeners(0, ofCreators, ofAdmin)
    const lineFor = (token: string, backoff: AbortSignal, place: number): Line => {
      const urls = [first, ...others]
      const at = place % urls.length
      const [asked = first, ...rest] = [...urls.slice(at), ...urls.slice(0, at)]
      const gateways = [asked, ...rest] as const
      return createLine({
        gateways,
        token,
        surprises,
        patience: backoff,
        ...(database === null ? {} : { putOff }),
      })
    }
    const rootToken = await tokenFor('root', { scope: 'uploads:admin' })
    return {
      gateways: [one, ...more],
      database,
      front,
      watchedAt,
      emulator: { url: emulator.url, ...controlApiOf(emulator.url) },
      webhookSecret: secret,
      surprises,
      putOff,
      as: async (subject, place = 0) => lineFor(await tokenFor(subject), ofCreators, place),
      adminAt: (place) => lineFor(rootToken, ofAdmin, place),
      admin: lineFor(rootToken, ofAdmin, 0),
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
  if (programs === null) throw new Error('There is no PostgreSQL on this machine.')
  const server = await startPostgres(programs, DURABLE)
  await server.createDatabase(DATABASE)
  return server
}

/** Those that start are ended by whoever asked, also where another does not. */
async function allStarted<T>(starting: readonly Promise<T>[]): Promise<readonly T[]> {
  await Promise.allSettled(starting)
  return Promise.all(starting)
}
