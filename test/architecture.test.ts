/**
 * Allowed imports, one row per folder. Imports point inwards:
 * entry points → commands, demo → hosts (node, worker) → config, http → graphql → uploads → uploads/ports
 * ← stream, store, pubsub, rate-limits, telemetry; shared below all.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'

/**
 * Allowed imports of the files of a folder, in addition to each other. A path is a file, a folder with everything
 * below it (`uploads/`), or the files directly in a folder (`uploads/*`), all relative to `src`.
 */
interface Rule {
  readonly inside: readonly string[]
  /** Paths from which only types may be imported. */
  readonly types?: readonly string[]
  /** Package names, with their subpaths; a name that ends with a colon is a prefix, such as `node:`. */
  readonly packages: 'any' | readonly string[]
}

const domain = ['uploads/*', 'uploads/ports/', 'shared/']
const http = [
  'http/handler.ts',
  'http/header-lists.ts',
  'http/response-headers.ts',
  'uploads/',
  'shared/',
]
const fastPath = [
  ...http,
  'http/graphql/endpoint.ts',
  'http/graphql/plugins/',
  'http/middleware/',
  'http/auth/',
  'graphql/',
]

/** The longest matching path applies to a file: the row of a folder precedes that of its parent folder. */
const rules: Readonly<Record<string, Rule>> = {
  'shared/': { inside: [], packages: [] },

  'uploads/ports/': {
    inside: ['uploads/*', 'shared/'],
    types: ['uploads/callbacks/'],
    packages: [],
  },
  'uploads/': {
    inside: ['uploads/ports/', 'uploads/status/', 'shared/'],
    types: ['uploads/callbacks/'],
    packages: [],
  },
  'uploads/status/': { inside: domain, packages: [] },
  'uploads/callbacks/': { inside: domain, packages: [] },
  'uploads/watch/': { inside: domain, packages: [] },
  'uploads/sync/': { inside: [...domain, 'uploads/status/'], packages: [] },
  'uploads/update/': { inside: [...domain, 'uploads/create/', 'uploads/status/'], packages: [] },
  'uploads/create/': { inside: [...domain, 'uploads/status/', 'uploads/sync/'], packages: [] },

  'graphql/': { inside: ['uploads/', 'shared/'], packages: ['graphql', '@pothos/core'] },

  'http/': { inside: ['http/', 'graphql/', 'uploads/', 'shared/'], packages: [] },
  'http/middleware/': { inside: http, packages: [] },
  'http/monitoring/': { inside: http, packages: [] },
  'http/pages/': {
    inside: [
      ...http,
      'http/graphql/endpoint.ts',
      // Its documents are trusted, if only trusted documents are executed.
      'client/gateway/operations.ts',
    ],
    types: ['http/graphql/plugins/'],
    packages: [],
  },
  'http/auth/': { inside: http, packages: ['jose', 'lru-cache'] },
  'http/webhooks/': { inside: [...http, 'http/middleware/'], packages: [] },
  'http/tus/': { inside: [...http, 'http/middleware/', 'http/auth/'], packages: [] },
  'http/graphql/': {
    inside: [...fastPath, 'http/graphql/fast-path/'],
    packages: ['graphql', 'graphql-yoga'],
  },
  'http/graphql/plugins/': {
    inside: [...http, 'http/graphql/endpoint.ts', 'http/middleware/error-response.ts'],
    types: ['graphql/operation-pages.ts'],
    packages: ['graphql', 'graphql-yoga', '@escape.tech', 'lru-cache'],
  },
  'http/graphql/fast-path/': {
    inside: [...fastPath, 'http/graphql/fast-path/'],
    types: ['http/graphql/yoga.ts'],
    packages: ['graphql', 'graphql-yoga', 'lru-cache'],
  },
  'http/graphql/fast-path/compile/': {
    inside: [...fastPath, 'http/graphql/fast-path/*'],
    packages: ['graphql'],
  },
  'http/graphql/fast-path/subscriptions/': {
    inside: [...fastPath, 'http/graphql/fast-path/*'],
    packages: ['graphql', 'graphql-yoga'],
  },
  'http/graphql/websocket/': {
    inside: [
      ...http,
      'http/graphql/fast-path/',
      'http/graphql/plugins/',
      'http/auth/',
      'graphql/context.ts',
    ],
    types: ['http/graphql/yoga.ts'],
    packages: ['graphql', 'graphql-ws', 'graphql-yoga'],
  },

  // Renders the page at build time, and at run time for a gateway that runs from its sources.
  'graphiql/': {
    inside: ['http/graphql/endpoint.ts', 'http/pages/auth-mode.ts'],
    packages: ['node:', '@graphql-yoga/render-graphiql', 'esbuild', 'graphql-yoga'],
  },

  'postgres/': {
    inside: ['uploads/ports/store-unavailable.ts', 'shared/'],
    types: ['uploads/ports/'],
    packages: ['pg'],
  },
  'stream/': {
    inside: [
      'stream/',
      'uploads/ports/',
      'uploads/limits.ts',
      'uploads/metadata-keys.ts',
      'shared/',
    ],
    types: ['uploads/'],
    packages: [],
  },
  'stream/playback-signer.ts': { inside: ['uploads/ports/'], packages: ['jose'] },
  'stream/playback-tokens.ts': {
    inside: ['stream/playback-signer.ts', 'uploads/ports/', 'shared/'],
    packages: ['lru-cache'],
  },
  'store/': { inside: ['uploads/upload.ts', 'uploads/ports/', 'shared/'], packages: [] },
  'store/sqlite/': {
    inside: [
      'store/*',
      'uploads/minted-upload.ts',
      'uploads/upload.ts',
      'uploads/callbacks/callback-type.ts',
      'uploads/ports/',
      'shared/',
    ],
    types: ['uploads/'],
    packages: ['better-sqlite3', 'drizzle-orm', 'node:'],
  },
  'store/d1/': {
    inside: [
      'store/*',
      'store/sqlite/',
      'uploads/minted-upload.ts',
      'uploads/upload.ts',
      'uploads/ports/',
      'shared/',
    ],
    types: ['uploads/'],
    packages: ['drizzle-orm'],
  },
  'store/postgres/': {
    inside: [
      'store/*',
      'postgres/',
      'uploads/upload.ts',
      'uploads/callbacks/callback-type.ts',
      'uploads/ports/',
      'shared/',
    ],
    types: ['uploads/'],
    packages: ['pg', 'drizzle-orm', 'node:'],
  },
  'store/sqlite-to-postgres/': {
    inside: ['store/', 'postgres/', 'uploads/', 'shared/'],
    packages: ['better-sqlite3', 'pg', 'drizzle-orm', 'node:'],
  },
  'pubsub/': {
    inside: ['uploads/upload.ts', 'shared/'],
    types: ['uploads/ports/'],
    packages: [],
  },
  'pubsub/postgres/': {
    inside: ['pubsub/*', 'postgres/', 'uploads/upload.ts', 'shared/'],
    types: ['uploads/ports/'],
    packages: ['pg'],
  },
  'rate-limits/': { inside: ['uploads/ports/', 'postgres/', 'shared/'], packages: [] },
  // The receivers' part imports types of the domain only, so that it can be used without the gateway.
  'callbacks/': {
    inside: ['uploads/ports/', 'shared/'],
    types: ['uploads/callbacks/', 'stream/rest/transport.ts'],
    packages: [],
  },
  'telemetry/': {
    inside: ['telemetry/', 'uploads/upload.ts', 'uploads/ports/', 'shared/'],
    packages: ['prom-client', '@opentelemetry/api'],
  },

  'config/': {
    inside: ['callbacks/signature.ts', 'uploads/', 'shared/'],
    types: ['http/auth/', 'stream/playback-signer.ts'],
    packages: [],
  },
  // Checks each document against the schema, with the limits of requests.
  'config/parse-trusted-documents.ts': {
    inside: ['config/', 'graphql/schema.ts', 'http/graphql/plugins/', 'shared/'],
    packages: ['graphql'],
  },
  'config/trusted-documents.ts': {
    inside: ['config/', 'shared/'],
    types: ['http/graphql/plugins/'],
    packages: ['node:'],
  },
  // Both read whether other machines can reach the emulator, because it then needs a token.
  'config/gateway-config.ts': {
    inside: ['config/', 'emulator/exposure.ts', 'uploads/', 'shared/'],
    types: ['http/auth/', 'http/graphql/plugins/'],
    packages: ['node:'],
  },
  'config/node-config.ts': {
    inside: ['config/', 'emulator/exposure.ts', 'uploads/', 'shared/'],
    types: ['http/auth/'],
    packages: [],
  },
  'config/trusted-proxies.ts': { inside: ['config/', 'shared/'], packages: ['node:'] },

  // Hosts: composition roots.
  'node/': {
    inside: [
      'node/',
      'config/',
      'http/',
      'uploads/',
      'stream/',
      'store/',
      'pubsub/',
      'rate-limits/',
      'telemetry/',
      'callbacks/',
      'postgres/',
      'emulator/emulator.ts',
      'emulator/exposure.ts',
      'graphiql/',
      'shared/',
    ],
    packages: ['node:', 'ws', 'graphql-ws', 'undici', '@whatwg-node/server', 'pino', 'pino-pretty'],
  },
  'worker/': {
    inside: [
      'worker/',
      'config/base-config.ts',
      'config/callbacks.ts',
      'config/known-variables.ts',
      'config/parse-trusted-documents.ts',
      'http/',
      'uploads/',
      'stream/',
      'store/d1/',
      'pubsub/',
      'rate-limits/',
      'callbacks/',
      'telemetry/noop-telemetry.ts',
      'shared/',
    ],
    packages: ['cloudflare:workers', 'graphql-ws'],
  },

  'commands/': {
    inside: [
      'commands/',
      'config/',
      'node/',
      'store/',
      'stream/',
      'callbacks/',
      'postgres/',
      'uploads/',
      'shared/',
    ],
    packages: ['commander', 'node:'],
  },
  'demo/': {
    inside: ['node/start-gateway.ts', 'node/logger.ts', 'config/gateway-config.ts', 'shared/'],
    packages: ['node:', 'graphql-request', 'graphql-sse', 'tus-js-client', 'zod'],
  },
  'console/': {
    inside: ['console/', 'client/', 'http/pages/auth-mode.ts'],
    packages: [
      'preact',
      '@urql/core',
      '@urql/preact',
      // `vite.config.ts` of its build.
      'vite',
      'node:url',
    ],
  },
  // Runs also in browsers and is published separately.
  'client/': { inside: ['client/'], packages: [] },
  'react/': {
    inside: [
      'react/',
      'client/client.ts',
      'client/clock.ts',
      'client/list/list-snapshot.ts',
      'client/upload-error.ts',
    ],
    packages: ['react'],
  },
  'uppy/': { inside: ['client/'], packages: ['@uppy/core'] },
  // Writes the frontend package at build time.
  'client-package/': { inside: [], packages: ['node:', 'zod'] },
  // Stands in for Cloudflare: it must not share code or types with the gateway.
  'emulator/': {
    inside: ['emulator/'],
    packages: ['node:', 'zod', 'better-sqlite3', 'jose', 'lru-cache', 'mediabunny', 'mediainfo.js'],
  },

  'commands/token.ts': {
    inside: ['commands/', 'config/', 'http/auth/', 'uploads/', 'shared/'],
    packages: ['jose', 'node:'],
  },
  'cli.ts': { inside: ['commands/', 'demo/', 'shared/'], packages: ['commander', 'node:', 'zod'] },
  'index.ts': {
    inside: [
      'node/',
      'http/gateway.ts',
      'config/',
      'store/',
      'pubsub/',
      'rate-limits/',
      'stream/',
      'postgres/',
    ],
    packages: [],
  },
  'worker.ts': {
    inside: ['worker/', 'http/', 'uploads/ports/store-unavailable.ts'],
    packages: ['cloudflare:workers'],
  },
}

/** Paths that run on Cloudflare Workers, without Node. */
const portable = [
  'shared/',
  'uploads/',
  'graphql/',
  'http/',
  'stream/',
  'pubsub/',
  'rate-limits/',
  'callbacks/',
  'worker/',
  'worker.ts',
  'config/base-config.ts',
  'config/callbacks.ts',
  'config/environment-reader.ts',
  'config/parse-trusted-documents.ts',
  'config/signing-key.ts',
  'telemetry/noop-telemetry.ts',
]

/** More entry points for Workers, checked with everything they import, and the packages they may use. */
const portableRoots: Readonly<Record<string, readonly string[]>> = {
  'store/d1/': ['drizzle-orm', 'drizzle-orm/sqlite-core', 'drizzle-orm/sqlite-proxy'],
  'emulator/binding/stream-binding.ts': ['zod'],
}

interface Import {
  readonly file: string
  readonly target: string
  /** Whether only types are imported, which are removed in the JavaScript. */
  readonly typesOnly: boolean
}

const source = fileURLToPath(new URL('../src', import.meta.url))
const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => /\.(?:tsx?|js)$/.test(path))
  .toSorted((a, b) => (a < b ? -1 : 1))
const texts = new Map(files.map((file) => [file, readFileSync(join(source, file), 'utf8')]))
const imports = [...texts].flatMap(([file, text]) => importsOf(file, text))

/** Finds static imports, re-exports, bare imports and `import()`. */
function importsOf(file: string, text: string): Import[] {
  const found: Import[] = []
  for (const [, clause = '', specifier = ''] of text.matchAll(
    /^(?:import|export)\s+(?:([\w\s{},*$]+?)\s+from\s+)?'([^']+)'/gm,
  )) {
    found.push({ file, target: resolve(file, specifier), typesOnly: importsOnlyTypes(clause) })
  }
  for (const [, specifier = ''] of text.matchAll(/\bimport\(\s*'([^']+)'/g)) {
    found.push({ file, target: resolve(file, specifier), typesOnly: false })
  }
  return found
}

/** True for `type X`, `type { X }` and `{ type X, type Y }`; false for a bare import, which runs code. */
function importsOnlyTypes(clause: string): boolean {
  if (/^type\b/.test(clause)) return true
  const [, names = ''] = /^\{(.*)\}$/s.exec(clause.trim()) ?? []
  const importedNames = names.split(',').filter((name) => name.trim() !== '')
  return importedNames.length > 0 && importedNames.every((name) => /^\s*type\s/.test(name))
}

/** Returns a path within src, or the package specifier unchanged. */
function resolve(file: string, specifier: string): string {
  return specifier.startsWith('.') ? join(file, '..', specifier).replaceAll('\\', '/') : specifier
}

function folderOf(file: string): string {
  return file.includes('/') ? file.slice(0, file.lastIndexOf('/') + 1) : ''
}

/** Returns the key of the row that applies to a file; null if there is none. */
function rowFor(file: string): string | null {
  const rows = Object.keys(rules).filter((path) => covers(path, file))
  return rows.toSorted((a, b) => b.length - a.length)[0] ?? null
}

/** Whether a path of the table covers a file. */
function covers(path: string, file: string): boolean {
  if (path.endsWith('/*')) return folderOf(file) === path.slice(0, -1)
  return file === path || (path.endsWith('/') && file.startsWith(path))
}

function isInSource({ target }: Import): boolean {
  // The name of this package looks like a file's.
  return texts.has(target) || (/\.(?:tsx?|js)$/.test(target) && target !== 'mediainfo.js')
}

function isAllowed(rule: Rule, entry: Import): boolean {
  if (isInSource(entry)) {
    const allowed = entry.typesOnly ? [...rule.inside, ...(rule.types ?? [])] : rule.inside
    return (
      folderOf(entry.file) === folderOf(entry.target) ||
      allowed.some((path) => covers(path, entry.target))
    )
  }
  if (rule.packages === 'any') return true
  return rule.packages.some((name) =>
    name.endsWith(':')
      ? entry.target.startsWith(name)
      : entry.target === name || entry.target.startsWith(`${name}/`),
  )
}

describe('the table of allowed imports', () => {
  test('has a row for every file', () => {
    expect(files.length).toBeGreaterThan(80)
    expect(imports.length).toBeGreaterThan(300)
    expect(files.filter((file) => rowFor(file) === null)).toEqual([])
  })

  test('has no row without a file', () => {
    expect(Object.keys(rules).filter((row) => !files.some((file) => rowFor(file) === row))).toEqual(
      [],
    )
  })

  test.each(Object.entries(rules))('%s imports only what its row allows', (row, rule) => {
    const forbidden = imports
      .filter(({ file }) => rowFor(file) === row)
      .filter((entry) => !isAllowed(rule, entry))
      .map(
        ({ file, target, typesOnly }) =>
          `src/${file} imports ${target}${typesOnly ? ' (types only)' : ''}; the row ${row} does not allow it`,
      )
    expect(forbidden).toEqual([])
  })

  test.each(portable)('%s uses no global of Node', (path) => {
    const violations = [...texts]
      .filter(([file]) => covers(path, file))
      .filter(([, text]) => usesNode(text))
      .map(([file]) => `src/${file} uses a global of Node, but ${path} also runs on Workers`)
    expect(violations).toEqual([])
  })

  test.each(Object.entries(portableRoots))(
    '%s runs on Workers with everything that it imports',
    (path, packages) => {
      const reachable = importedBy(files.filter((file) => covers(path, file)))
      expect(reachable.size).toBeGreaterThan(path.endsWith('/') ? 10 : 3)
      const otherPackages = imports
        .filter((entry) => reachable.has(entry.file) && !entry.typesOnly && !isInSource(entry))
        .filter(({ target }) => !packages.includes(target))
        .map(({ file, target }) => `src/${file} imports ${target}, but ${path} needs it`)
      const violations = [...reachable]
        .filter((file) => usesNode(texts.get(file) ?? ''))
        .map((file) => `src/${file} uses a global of Node, but ${path} needs it`)
      expect([...otherPackages, ...violations]).toEqual([])
    },
  )
})

describe('import cycles', () => {
  test('do not exist between files, types included', () => {
    const targets = new Map<string, string[]>()
    for (const entry of imports) {
      if (isInSource(entry))
        targets.set(entry.file, [...(targets.get(entry.file) ?? []), entry.target])
    }
    expect(targets.size).toBeGreaterThan(80)
    expect(cyclesIn(targets).map((cycle) => cycle.join(' → '))).toEqual([])
  })

  test('do not exist between the folders of src, without type imports', () => {
    const targets = new Map<string, string[]>()
    for (const entry of imports) {
      if (entry.typesOnly || !isInSource(entry)) continue
      const [from, to] = [topFolderOf(entry.file), topFolderOf(entry.target)]
      if (from !== to) targets.set(from, [...(targets.get(from) ?? []), to])
    }
    expect(cyclesIn(targets).map((cycle) => cycle.join(' → '))).toEqual([])
  })
})

/** Returns the top folder within src, or the file at its root. */
function topFolderOf(path: string): string {
  return path.split('/')[0] ?? path
}

/** Returns one cycle for each back edge of a depth-first search. */
function cyclesIn(targets: ReadonlyMap<string, readonly string[]>): (readonly string[])[] {
  const cycles: (readonly string[])[] = []
  const finished = new Set<string>()
  const path: string[] = []
  function visit(node: string): void {
    const start = path.indexOf(node)
    if (start >= 0) {
      cycles.push([...path.slice(start), node])
      return
    }
    if (finished.has(node)) return
    path.push(node)
    for (const target of targets.get(node) ?? []) visit(target)
    path.pop()
    finished.add(node)
  }
  for (const node of targets.keys()) visit(node)
  return cycles
}

function usesNode(text: string): boolean {
  return /\b(?:process|Buffer|__dirname|require)\b[.(]/.test(withoutComments(text))
}

/** Returns these files and everything they import transitively, without type imports. */
function importedBy(roots: readonly string[]): ReadonlySet<string> {
  const reachable = new Set<string>()
  const pending = [...roots]
  for (let file = pending.pop(); file !== undefined; file = pending.pop()) {
    if (reachable.has(file)) continue
    reachable.add(file)
    pending.push(
      ...imports
        .filter((entry) => entry.file === file && !entry.typesOnly && isInSource(entry))
        .map(({ target }) => target),
    )
  }
  return reachable
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*.*?\*\/|\/\/[^\n]*/gs, '')
}

describe('files', () => {
  test('have at most 300 lines', () => {
    const tooLong = [...texts]
      .map(([file, text]) => ({ file, lines: text.trimEnd().split('\n').length }))
      .filter(({ lines }) => lines > 300)
    expect(tooLong.map(({ file, lines }) => `src/${file} has ${lines} lines, over 300`)).toEqual([])
  })

  test('have kebab-case names that describe their contents', () => {
    const names = files.flatMap((file) =>
      file
        .replace(/(?:\.config|\.d)?\.(?:tsx?|js)$/, '')
        .split('/')
        .map((name) => ({ file, name })),
    )
    const misnamed = names.filter(({ name }) => !/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(name))
    expect(misnamed.map(({ file }) => `src/${file} is not in kebab-case`)).toEqual([])
    const vague = names.filter(({ name }) =>
      /^(?:utils?|helpers?|managers?|common|misc)$/.test(name),
    )
    expect(vague.map(({ file, name }) => `src/${file}: the name "${name}" is too vague`)).toEqual(
      [],
    )
  })

  test('import only packages that are installed with this one, or beside it', () => {
    const packages = z.record(z.string(), z.string())
    const manifest = z
      .object({ dependencies: packages, peerDependencies: packages })
      .parse(JSON.parse(readFileSync(join(source, '../package.json'), 'utf8')))
    const missing = imports
      .filter(
        (entry) =>
          !entry.typesOnly && !isInSource(entry) && !/^(?:node|cloudflare):/.test(entry.target),
      )
      // The console is bundled and GraphiQL is rendered before publishing.
      .filter(({ file }) => !['console', 'graphiql'].includes(topFolderOf(file)))
      .filter(({ target }) => {
        const name = packageOf(target)
        return !(name in manifest.dependencies || name in manifest.peerDependencies)
      })
    expect(
      missing.map(
        ({ file, target }) => `src/${file} imports ${target}, which is not in dependencies`,
      ),
    ).toEqual([])
  })
})

/** Returns `@scope/name` or `name`, without the subpath. */
function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

describe('importsOf', () => {
  test.each<[text: string, target: string, typesOnly: boolean]>([
    ["import { a } from './a.ts'", 'http/a.ts', false],
    ["import a, { type B } from '../x/a.ts'", 'x/a.ts', false],
    ["import * as all from 'graphql'", 'graphql', false],
    ["import 'pkg/register'", 'pkg/register', false],
    ["import type { A } from './a.ts'", 'http/a.ts', true],
    ["import type A from './a.ts'", 'http/a.ts', true],
    ["import {\n  type A,\n  type B,\n} from './a.ts'", 'http/a.ts', true],
    ["import {\n  type A,\n  b,\n} from './a.ts'", 'http/a.ts', false],
    ["export { a } from './a.ts'", 'http/a.ts', false],
    ["export * from './a.ts'", 'http/a.ts', false],
    ["export type { A } from './a.ts'", 'http/a.ts', true],
    ["const a = await import('node:fs')", 'node:fs', false],
  ])('%s', (text, target, typesOnly) => {
    expect(importsOf('http/handler.ts', text)).toEqual([
      { file: 'http/handler.ts', target, typesOnly },
    ])
  })
})
