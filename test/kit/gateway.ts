/** A complete gateway for one test: real HTTP, real SQLite, and its own emulator. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GraphQLClient } from 'graphql-request'
import { createClient } from 'graphql-sse'
import { SignJWT } from 'jose'
import { onTestFinished } from 'vitest'
import type { z } from 'zod'
import { readConfig } from '../../src/config/node-config.ts'
import { startGateway } from '../../src/node/start-gateway.ts'
import type { Logger } from '../../src/shared/logger.ts'
import { type TestClock, createTestClock } from './clock.ts'
import { type EmulatorControlApi, controlApiOf } from './emulator.ts'
import { setScrapeClock } from './metrics.ts'

/** Signs the tokens of tests; 32 bytes. */
export const TEST_SECRET = 'a secret of thirty-two bytes....'

/** One line of the log. */
export interface LogLine {
  readonly level: keyof Logger
  readonly fields: object
  readonly message: string
}

export interface TestGateway {
  readonly url: string
  readonly clock: TestClock
  /** The SQLite file, for tests that damage it; empty with PostgreSQL. */
  readonly databaseFile: string
  readonly emulator: EmulatorControlApi & { readonly url: string; readonly apiBaseUrl: string }
  /** The log so far. */
  readonly logs: readonly LogLine[]
  /** A caller with this token; without one when authentication is disabled. */
  as(token?: string): Caller
  stop(): Promise<void>
}

/** A GraphQL client of the gateway. */
export interface Caller {
  /** Returns the data of a query or mutation, parsed by the schema; throws on errors. */
  request<T extends z.ZodType>(shape: T, document: string, variables?: object): Promise<z.infer<T>>
  /** Yields every result of a subscription, parsed by the schema, until it completes. */
  watch<T extends z.ZodType>(
    shape: T,
    document: string,
    variables?: Record<string, unknown>,
  ): AsyncIterableIterator<z.infer<T>>
}

/**
 * Starts a gateway with defaults for tests (free ports, fast encoding, its own folder), overridden
 * by these variables. It is stopped when the test ends.
 * @param consoleFolder a console that was built for the test; defaults to the package's own, if any
 */
export async function startTestGateway(
  variables: Readonly<Record<string, string>> = {},
  consoleFolder?: URL,
): Promise<TestGateway> {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-test-'))
  const outcome = readConfig({
    PORT: '0',
    EMULATOR_PORT: '0',
    EMULATOR_DIR: join(folder, 'emulator'),
    EMULATOR_ENCODE_MS: '200',
    DATABASE_URL: `file:${join(folder, 'headgate.db')}`,
    RATE_LIMIT_CREATES: '10000',
    ...variables,
  })
  if (outcome.kind === 'errors') throw new Error(outcome.errors.join('\n'))

  const clock = createTestClock()
  const logs: LogLine[] = []
  const gateway = await startGateway(outcome.config, collect(logs), clock, consoleFolder)
  const removeClock = setScrapeClock(gateway.url, clock)
  let stopped: Promise<void> | undefined
  const stop = (): Promise<void> => (stopped ??= gateway.stop())
  onTestFinished(async () => {
    await stop()
    removeClock()
    await rm(folder, { recursive: true, force: true })
  })
  const emulator = gateway.emulator ?? emulatorAt(variables['CLOUDFLARE_API_BASE_URL'])
  return {
    url: gateway.url,
    clock,
    databaseFile: outcome.config.database.kind === 'sqlite' ? outcome.config.database.file : '',
    emulator: { ...emulator, ...controlApiOf(emulator.url) },
    logs,
    as: (token) => callerOf(`${gateway.url}/graphql`, token),
    stop,
  }
}

/** An emulator that another gateway of the test has started. */
function emulatorAt(apiBaseUrl = ''): { url: string; apiBaseUrl: string } {
  return { url: new URL(apiBaseUrl).origin, apiBaseUrl }
}

/**
 * A caller of the gateway with this GraphQL URL.
 * @param otherHeaders sent with each request
 */
export function callerOf(
  url: string,
  token?: string,
  otherHeaders: Readonly<Record<string, string>> = {},
): Caller {
  const headers: Record<string, string> =
    token === undefined
      ? { ...otherHeaders }
      : { ...otherHeaders, authorization: `Bearer ${token}` }
  const client = new GraphQLClient(url, { headers })
  return {
    request: async (shape, document, variables) =>
      shape.parse(await client.request(document, { ...variables })),
    async *watch(shape, document, variables = {}) {
      const subscriptions = createClient({ url, headers, retryAttempts: 0 })
      try {
        for await (const result of subscriptions.iterate({ query: document, variables })) {
          if (result.errors !== undefined) throw new SubscriptionFailed(result.errors)
          yield shape.parse(result.data)
        }
      } finally {
        subscriptions.dispose()
      }
    },
  }
}

/** A subscription ended with errors, which are in `errors`. */
export class SubscriptionFailed extends Error {
  override readonly name = 'SubscriptionFailed'
  readonly errors: readonly unknown[]
  constructor(errors: readonly unknown[]) {
    super(JSON.stringify(errors))
    this.errors = errors
  }
}

function collect(lines: LogLine[]): Logger {
  const at =
    (level: keyof Logger) =>
    (fields: object, message: string): void => {
      lines.push({ level, fields, message })
    }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

/** Returns a token for this subject, signed with TEST_SECRET, valid for an hour. */
export function tokenFor(subject: string, claims: Record<string, unknown> = {}): Promise<string> {
  return new SignJWT({ exp: Math.floor(Date.now() / 1000) + 3600, ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(subject)
    .sign(new TextEncoder().encode(TEST_SECRET))
}
