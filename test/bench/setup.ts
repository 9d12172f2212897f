/** Shared by all rows: load generator, durations, a folder, and functions that start the servers. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { LOAD_CORE, SERVER_CORE } from './cores.ts'
import type { LoadGenerator } from './load/drive.ts'
import { COMMAND, PEERS, ownProgram } from './paths.ts'
import { type Server, startServer } from './processes.ts'
import type { Profiler } from './profile.ts'
import { JWT_SECRET } from './tokens.ts'

/** Duration and number of measurements. */
export interface Pace {
  readonly rounds: number
  /** Milliseconds under load before each measurement: in the first round, and in later rounds. */
  readonly firstWarmUpMs: number
  readonly warmUpMs: number
  readonly windowMs: number
}

export interface Setup extends Pace {
  readonly load: LoadGenerator
  /** For databases, files and logs, on a real disk. Removed at the end. */
  readonly folder: string
  /** Profiles the servers, which slows them down; null when the run is not profiled. */
  readonly profiler: Profiler | null
  /** Prints progress to standard error. */
  readonly log: (message: string) => void
}

/** Secret with which webhooks are signed. */
export const WEBHOOK_SECRET = 'a webhook secret of the benchmark'

/** Above the load, so that the gateway checks each limit but never reaches it. */
const UNREACHED_LIMIT = '1000000000'

/** Starts the stub of Stream on the core of the load generator. */
export function startFakeStream({ folder }: Setup): Promise<Server> {
  return startServer({
    program: [ownProgram('load/fake-stream')],
    variables: {},
    logFile: join(folder, 'fake-stream.log'),
    core: LOAD_CORE,
  })
}

/**
 * Starts `headgate serve`, configured by its environment only: tokens required, all limits set,
 * durable writes, logs at level `info` in a file.
 * @param name of its profile, if a row compares several gateways
 */
export function startGateway(
  setup: Setup,
  databaseFile: string,
  stream: Server,
  variables: Readonly<Record<string, string>> = {},
  name?: string,
): Promise<Server> {
  return startGatewayOn(setup, `file:${databaseFile}`, stream, variables, SERVER_CORE, name)
}

/**
 * Starts `headgate serve` on any database.
 * @param core null for any core
 */
export function startGatewayOn(
  { folder, profiler }: Setup,
  databaseURL: string,
  stream: Server,
  variables: Readonly<Record<string, string>> = {},
  core: number | null = SERVER_CORE,
  name = 'headgate',
): Promise<Server> {
  return startServer({
    program: [...(profiler?.flagsFor(name) ?? []), COMMAND, 'serve'],
    variables: {
      PORT: '0',
      DATABASE_URL: databaseURL,
      AUTH_JWT_SECRET: JWT_SECRET,
      CLOUDFLARE_ACCOUNT_ID: 'local',
      CLOUDFLARE_API_TOKEN: 'local-token',
      CLOUDFLARE_API_BASE_URL: `${stream.url}/client/v4`,
      STREAM_WEBHOOK_SECRET: WEBHOOK_SECRET,
      STREAM_API_BUDGET: UNREACHED_LIMIT,
      RATE_LIMIT_CREATES: UNREACHED_LIMIT,
      CREATOR_QUOTA_MINUTES: UNREACHED_LIMIT,
      ...variables,
    },
    logFile: join(folder, 'headgate.log'),
    core,
  })
}

/** Starts a program of test/bench/peers by its file name. */
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

/** Message that says how to install the peers; null when they are installed. */
export function missingPeersMessage(): string | null {
  return existsSync(join(PEERS, 'node_modules/mercurius'))
    ? null
    : 'The peers are not installed: npm ci --prefix test/bench/peers'
}
