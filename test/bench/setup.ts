/** What every row works with: the load generator, servers started as operators start them, a folder. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { LOAD_CORE, SERVER_CORE } from './cores.ts'
import type { LoadGenerator } from './load/drive.ts'
import { COMMAND, PEERS, ownProgram } from './paths.ts'
import { type Server, startServer } from './processes.ts'
import type { Profiler } from './profile.ts'
import { JWT_SECRET } from './tokens.ts'

/** How long and how often is measured. */
export interface Pace {
  readonly rounds: number
  /** Milliseconds that a server is driven before it is measured: the first time, and later. */
  readonly firstWarmUpMs: number
  readonly warmUpMs: number
  readonly windowMs: number
}

export interface Setup extends Pace {
  readonly load: LoadGenerator
  /** For databases, files and logs; on the disk, as they would be. Removed at the end. */
  readonly folder: string
  /** Where the time of servers is taken down; null where it is not, which slows them down. */
  readonly profiler: Profiler | null
  /** What goes on, for whoever waits. */
  readonly say: (words: string) => void
}

/** Signs the notices of Stream. */
export const WEBHOOK_SECRET = 'a webhook secret of the benchmark'

/** More than is ever asked for: the bounds are there, and are kept, and none is reached. */
const PLENTY = '1000000000'

/** As much of Stream as a gateway under load needs, beside the load. */
export function startFakeStream({ folder }: Setup): Promise<Server> {
  return startServer({
    program: [ownProgram('load/fake-stream')],
    variables: {},
    logFile: join(folder, 'fake-stream.log'),
    core: LOAD_CORE,
  })
}

/**
 * `headgate serve`, configured by its environment alone: tokens asked for, all limits, durable
 * writes, logs of the level `info` in a file.
 */
export function startGateway(
  setup: Setup,
  databaseFile: string,
  stream: Server,
  more: Readonly<Record<string, string>> = {},
): Promise<Server> {
  return startGatewayOn(setup, `file:${databaseFile}`, stream, more)
}

/**
 * The same on any database.
 * @param core null for whichever is free
 */
export function startGatewayOn(
  { folder, profiler }: Setup,
  databaseURL: string,
  stream: Server,
  more: Readonly<Record<string, string>> = {},
  core: number | null = SERVER_CORE,
): Promise<Server> {
  return startServer({
    program: [...(profiler?.flagsFor('headgate') ?? []), COMMAND, 'serve'],
    variables: {
      PORT: '0',
      DATABASE_URL: databaseURL,
      AUTH_JWT_SECRET: JWT_SECRET,
      CLOUDFLARE_ACCOUNT_ID: 'local',
      CLOUDFLARE_API_TOKEN: 'local-token',
      CLOUDFLARE_API_BASE_URL: `${stream.url}/client/v4`,
      STREAM_WEBHOOK_SECRET: WEBHOOK_SECRET,
      STREAM_API_BUDGET: PLENTY,
      RATE_LIMIT_CREATES: PLENTY,
      CREATOR_QUOTA_MINUTES: PLENTY,
      ...more,
    },
    logFile: join(folder, 'headgate.log'),
    core,
  })
}

/** A program of test/bench/peers, by the name of its file. */
export function startPeer(
  { folder, profiler }: Setup,
  name: string,
  variables: Readonly<Record<string, string>>,
): Promise<Server> {
  return startServer({
    program: [...(profiler?.flagsFor(name) ?? []), join(PEERS, `${name}.mjs`)],
    variables: { NODE_ENV: 'production', ...variables },
    logFile: join(folder, `${name}.log`),
  })
}

/** The sentence that says how to install the peers; null where they are there. */
export function missingPeers(): string | null {
  return existsSync(join(PEERS, 'node_modules/mercurius'))
    ? null
    : 'The peers are not installed: npm ci --prefix test/bench/peers'
}
