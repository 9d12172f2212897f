/**
 * The gateway as a Worker for tests: bundled, and run in workerd by Miniflare, with D1, the hub and
 * an emulator.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Miniflare } from 'miniflare'
import { z } from 'zod'
import type { Emulator } from '../../src/emulator/emulator.ts'
import { d1Migrations, migrateD1 } from './d1.ts'
import { type Caller, callerOf } from './gateway.ts'
import { type WorkerBindings, openBindings, workersOfBindings } from './worker-bindings.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Source files of the bundle, with their imports. */
interface Bundle {
  readonly text: string
  /** Files that are in it, and what they import. */
  readonly inputs: Readonly<
    Record<
      string,
      { readonly imports: readonly { path: string; external?: boolean | undefined }[] }
    >
  >
}

const metafile = z.object({
  inputs: z.record(
    z.string(),
    z.object({
      imports: z.array(z.object({ path: z.string(), external: z.boolean().optional() })),
    }),
  ),
})

const bundles = new Map<string, Promise<Bundle>>()

/** Bundles as `npm run build:worker` does, once for each test file. */
export function bundleWorker(entry = 'src/worker.ts'): Promise<Bundle> {
  const known = bundles.get(entry)
  if (known !== undefined) return known
  const bundle = build(entry)
  bundles.set(entry, bundle)
  return bundle
}

async function build(entry: string): Promise<Bundle> {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-worker-'))
  try {
    const outfile = join(folder, 'worker.js')
    await promisify(execFile)(process.execPath, ['src/worker/build.mjs', outfile, entry], {
      cwd: ROOT,
    })
    const text = await readFile(outfile, 'utf8')
    const { inputs } = metafile.parse(JSON.parse(await readFile(`${outfile}.json`, 'utf8')))
    return { text, inputs }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const wranglerFile = z.object({
  compatibility_date: z.string(),
  compatibility_flags: z.array(z.string()),
  d1_databases: z.tuple([z.object({ binding: z.string(), database_name: z.string() })]),
  durable_objects: z.object({
    bindings: z.tuple([z.object({ name: z.string(), class_name: z.string() })]),
  }),
  migrations: z.tuple([z.object({ new_sqlite_classes: z.array(z.string()) })]),
  stream: z.object({ binding: z.string() }),
  assets: z.object({ binding: z.string(), run_worker_first: z.boolean() }),
})

/** Reads wrangler.jsonc, whose comments are on lines of their own. */
async function readWrangler() {
  const text = await readFile(join(ROOT, 'wrangler.jsonc'), 'utf8')
  const json = text.replaceAll(/^\s*\/\/.*$/gm, '').replaceAll(/,(\s*[\]}])/g, '$1')
  return wranglerFile.parse(JSON.parse(json))
}

export interface TestWorker extends WorkerBindings {
  readonly url: string
  /** The log, one JSON object per line. */
  readonly lines: readonly string[]
  /** Resolves with the first line that contains all these texts, once it is written. */
  logged(...texts: readonly string[]): Promise<string>
  /** A caller with this token; without one when authentication is disabled. */
  as(token?: string): Caller
  stop(): Promise<void>
}

/** The Stream that the Worker uses. */
export interface TestStream {
  readonly emulator: Pick<Emulator, 'apiBaseUrl' | 'accountId' | 'token'>
  /** By the binding, by a token, or by both. */
  readonly by: 'binding' | 'token' | 'both'
}

export interface WorkerOptions {
  readonly variables?: Readonly<Record<string, string>>
  /** Defaults to a token that is valid nowhere. */
  readonly stream?: TestStream
  /** Folder of the hub's persistent storage; in memory by default. */
  readonly hubFolder?: string
  /** Assets directory; none by default. */
  readonly assetsFolder?: string | undefined
  /** Whether the database is migrated. @default true */
  readonly migrated?: boolean
}

const NO_STREAM: TestStream = {
  emulator: { apiBaseUrl: 'http://127.0.0.1:1/client/v4', accountId: 'local', token: 'none' },
  by: 'token',
}

/** Starts the Worker with a migrated database. The caller stops it. */
export async function startWorker({
  variables = {},
  stream = NO_STREAM,
  hubFolder: keptIn,
  assetsFolder,
  migrated = true,
}: WorkerOptions = {}): Promise<TestWorker> {
  const { emulator, by } = stream
  const [{ text }, binding, wrangler] = await Promise.all([
    bundleWorker(),
    bundleWorker('test/kit/stream-binding.ts'),
    readWrangler(),
  ])
  const {
    d1_databases: [database],
    durable_objects: {
      bindings: [hub],
    },
    migrations: [sqlite],
    stream: bound,
    assets,
  } = wrangler
  const lines: string[] = []
  const waiting = new Set<() => void>()
  const miniflare = new Miniflare({
    handleStructuredLogs({ message }: { readonly message: string }) {
      lines.push(message)
      for (const check of waiting) check()
    },
    ...(keptIn === undefined ? {} : { durableObjectsPersist: keptIn }),
    workers: [
      {
        name: 'headgate',
        modules: [{ type: 'ESModule', path: 'worker.js', contents: text }],
        compatibilityDate: wrangler.compatibility_date,
        compatibilityFlags: wrangler.compatibility_flags,
        bindings: {
          LOG_LEVEL: 'debug',
          ...(by === 'binding'
            ? {}
            : {
                CLOUDFLARE_ACCOUNT_ID: emulator.accountId,
                CLOUDFLARE_API_TOKEN: emulator.token,
                CLOUDFLARE_API_BASE_URL: emulator.apiBaseUrl,
              }),
          ...variables,
        },
        d1Databases: { [database.binding]: database.database_name },
        durableObjects: {
          [hub.name]: {
            className: hub.class_name,
            useSQLite: sqlite.new_sqlite_classes.includes(hub.class_name),
          },
        },
        ...(assetsFolder === undefined
          ? {}
          : {
              assets: {
                directory: assetsFolder,
                binding: assets.binding,
                routerConfig: {
                  invoke_user_worker_ahead_of_assets: assets.run_worker_first,
                  has_user_worker: true,
                },
              },
            }),
        queueConsumers: ['stream-events'],
        queueProducers: { EVENTS: 'stream-events' },
        ...(by === 'token'
          ? {}
          : { wrappedBindings: { [bound.binding]: { scriptName: 'stream' } } }),
      },
      ...(by === 'token'
        ? []
        : [
            {
              name: 'stream',
              modules: [{ type: 'ESModule' as const, path: 'stream.js', contents: binding.text }],
              bindings: {
                apiBaseUrl: emulator.apiBaseUrl,
                accountId: emulator.accountId,
                token: emulator.token,
              },
            },
          ]),
      ...workersOfBindings({
        gateway: 'headgate',
        database: database.database_name,
        hubClass: hub.class_name,
        queue: 'stream-events',
      }),
    ],
  })
  const url = (await miniflare.ready).origin
  const bindings = openBindings((address, init) => miniflare.dispatchFetch(address, init))
  if (migrated) await migrateD1(bindings.database, d1Migrations())
  let stopped: Promise<void> | null = null
  return {
    url,
    lines,
    logged: (...texts) =>
      new Promise((resolve) => {
        function check(): void {
          const found = lines.find((line) => texts.every((part) => line.includes(part)))
          if (found === undefined) return
          waiting.delete(check)
          resolve(found)
        }
        waiting.add(check)
        check()
      }),
    ...bindings,
    as: (token) => callerOf(`${url}/graphql`, token),
    stop: () => (stopped ??= miniflare.dispose()),
  }
}
