/**
 * Who may import whom: the table of the house, one row a room. Arrows run one way:
 * doors → gateway → http → graphql → uploads → (ports) ← adapters.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'

/** What a room may import. Files and folders of src end as they stand here; `node:` is a prefix. */
interface Rule {
  readonly inside: readonly string[]
  /** Of these it may import types, and nothing that runs. */
  readonly types?: readonly string[]
  /** `any`, or names of packages with all that is in them. */
  readonly packages: 'any' | readonly string[]
}

const ports = [
  'stream/backend.ts',
  'stream/errors.ts',
  'store/store.ts',
  'events/events.ts',
  'unavailable.ts',
  'telemetry/telemetry.ts',
]

/** Rooms and what stands at the door of src; whatever is not in the table breaks it. */
const rules: Readonly<Record<string, Rule>> = {
  // The domain: runs wherever JavaScript does, so no package, and nothing of Node.
  uploads: {
    inside: ['uploads/', ...ports],
    types: ['allowances/allowances.ts'],
    packages: [],
  },
  graphql: { inside: ['graphql/', 'uploads/', ...ports], packages: ['@pothos/core', 'graphql'] },
  http: {
    inside: [
      'http/',
      'graphql/',
      'uploads/',
      'stream/notice.ts',
      'stream/signature.ts',
      'stream/metadata.ts',
      'stream/name-causes.ts',
      'unavailable.ts',
      'telemetry/telemetry.ts',
    ],
    packages: ['graphql-yoga', '@escape.tech', 'graphql-ws', 'jose', 'graphql'],
  },
  stream: {
    inside: ['stream/', 'uploads/json.ts'],
    types: ['allowances/allowances.ts', 'telemetry/telemetry.ts'],
    packages: [],
  },
  store: {
    inside: [
      'store/',
      'uploads/upload.ts',
      'uploads/json.ts',
      'postgres/storable.ts',
      'unavailable.ts',
      'error-code.ts',
    ],
    types: ['postgres/'],
    packages: ['node:', 'drizzle-orm', 'better-sqlite3', 'pg'],
  },
  // One way to the server, for all that is kept or told there.
  postgres: { inside: ['postgres/', 'unavailable.ts'], packages: ['pg'] },
  // What it is told has the words of the domain; what it tells goes to whoever collects it.
  telemetry: {
    inside: ['telemetry/', 'uploads/upload.ts'],
    types: ['uploads/'],
    packages: ['prom-client', '@opentelemetry/api'],
  },
  allowances: {
    inside: ['allowances/', 'postgres/storable.ts'],
    types: ['postgres/'],
    packages: [],
  },
  events: {
    inside: ['events/'],
    types: ['uploads/', 'postgres/'],
    packages: ['pg'],
  },
  // "The other company": it shares nothing with the gateway, not even a type.
  emulator: {
    inside: ['emulator/'],
    packages: ['node:', 'zod', 'better-sqlite3', 'mediabunny', '@fastify/busboy'],
  },
  // For browsers too, and published on its own.
  client: { inside: ['client/'], packages: ['tus-js-client'] },
  // A page of its own: of the gateway it knows the address, and the client that everybody has.
  console: {
    inside: ['console/', 'client/'],
    packages: [
      'preact',
      '@urql/core',
      '@urql/preact',
      '@urql/exchange-graphcache',
      '@uppy/core',
      // Of its build.
      'vite',
      'node:url',
    ],
  },
  'gateway.ts': { inside: ['http/', 'graphql/', 'uploads/', ...ports], packages: [] },

  // Those who choose the parts, and start them.
  'main.ts': { inside: [''], packages: 'any' },
  'worker.ts': {
    inside: ['worker/', 'http/door.ts', 'http/graphql-address.ts', 'unavailable.ts'],
    packages: ['cloudflare:workers'],
  },
  'cli.ts': { inside: [''], packages: 'any' },
  commands: { inside: [''], packages: 'any' },
  demo: { inside: [''], packages: 'any' },
  // Their tools: of Node and the environment, and of the rooms they know the words only.
  'clock.ts': { inside: [], types: ['uploads/'], packages: [] },
  'portable-config.ts': {
    inside: ['variables.ts'],
    types: ['http/', 'known-variables.ts'],
    packages: [],
  },
  'config.ts': {
    inside: ['portable-config.ts', 'node/client-address.ts', 'emulator/exposure.ts'],
    types: ['http/'],
    packages: ['node:net'],
  },
  'error-code.ts': { inside: [], packages: [] },
  'unavailable.ts': { inside: [], packages: [] },
  'name-database.ts': { inside: [], types: ['config.ts'], packages: [] },
  'open-database.ts': {
    inside: ['store/', 'events/', 'allowances/', 'postgres/', 'error-code.ts', 'name-database.ts'],
    types: ['config.ts', 'uploads/'],
    packages: [],
  },
  'start-emulator.ts': {
    inside: ['emulator/', 'error-code.ts'],
    types: ['config.ts'],
    packages: [],
  },
  // What only Node has: its server, its sockets, its connections.
  node: {
    inside: [
      'node/',
      'http/close-reason.ts',
      'http/come-back.ts',
      'http/graphql-address.ts',
      'http/guard-listener.ts',
      'http/lane/frame.ts',
      'stream/send.ts',
      'stream/signature.ts',
    ],
    types: ['http/', 'gateway.ts', 'uploads/'],
    packages: ['node:', '@whatwg-node/server', 'ws', 'undici'],
  },
  // What only Workers have: bindings, one Durable Object, sockets of their own kind.
  worker: {
    inside: [
      'worker/',
      'gateway.ts',
      'http/',
      'uploads/',
      'stream/',
      'store/d1/',
      'store/store.ts',
      'events/',
      'allowances/',
      'telemetry/silent.ts',
      'portable-config.ts',
      'known-variables.ts',
      'clock.ts',
      'redact.ts',
      'time-ordered-id.ts',
      'unavailable.ts',
    ],
    packages: ['cloudflare:workers'],
  },
  'read-console.ts': {
    inside: ['error-code.ts'],
    types: ['config.ts', 'http/'],
    packages: ['node:'],
  },
  // Renders the page at build time, and for a gateway that runs from its sources.
  graphiql: {
    inside: ['graphiql/', 'http/graphql-address.ts'],
    packages: ['node:', '@graphql-yoga/render-graphiql', 'graphql-yoga'],
  },
  'read-graphiql.ts': {
    inside: ['error-code.ts', 'graphiql/'],
    types: ['http/'],
    packages: ['node:'],
  },
  'redact.ts': { inside: [], packages: [] },
  'log.ts': {
    inside: ['redact.ts', 'terminal-controls.ts'],
    types: ['config.ts', 'uploads/'],
    packages: 'any',
  },
  'terminal-controls.ts': { inside: [], packages: [] },
  'time-ordered-id.ts': { inside: [], packages: [] },
  'known-variables.ts': { inside: [], packages: [] },
  'variables.ts': { inside: ['known-variables.ts'], packages: [] },
}

/** What runs on Cloudflare Workers, where there is no Node to lean on. */
const portable = [
  'uploads',
  'graphql',
  'http',
  'stream',
  'events',
  'allowances',
  'gateway.ts',
  'worker',
  'worker.ts',
  'portable-config.ts',
  'known-variables.ts',
  'variables.ts',
  'clock.ts',
  'redact.ts',
  'time-ordered-id.ts',
]

/** Folders and files that run there as well, in rooms that do not; with the packages that they may lean on. */
const portableFolders: Readonly<Record<string, readonly string[]>> = {
  'store/d1/': ['drizzle-orm', 'drizzle-orm/sqlite-core', 'drizzle-orm/sqlite-proxy'],
  // Of the emulator, what stands for `env.STREAM`: the rest of it is Node's.
  'emulator/binding.ts': ['zod'],
}

interface Import {
  readonly file: string
  readonly target: string
  /** Whether only types are taken, which leave nothing behind in the JavaScript. */
  readonly typesOnly: boolean
}

const source = fileURLToPath(new URL('../src', import.meta.url))
const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => /\.(?:tsx?|js)$/.test(path))
  .toSorted((a, b) => (a < b ? -1 : 1))
const texts = new Map(files.map((file) => [file, readFileSync(join(source, file), 'utf8')]))
const imports = [...texts].flatMap(([file, text]) => importsOf(file, text))

/** Static imports, re-exports, bare imports and `import()`. */
function importsOf(file: string, text: string): Import[] {
  const found: Import[] = []
  for (const [, clause = '', specifier = ''] of text.matchAll(
    /^(?:import|export)\s+(?:([\w\s{},*$]+?)\s+from\s+)?'([^']+)'/gm,
  )) {
    found.push({ file, target: resolve(file, specifier), typesOnly: takesTypesOnly(clause) })
  }
  for (const [, specifier = ''] of text.matchAll(/\bimport\(\s*'([^']+)'/g)) {
    found.push({ file, target: resolve(file, specifier), typesOnly: false })
  }
  return found
}

/** `type X`, `type { X }` and `{ type X, type Y }`; a bare import runs. */
function takesTypesOnly(clause: string): boolean {
  if (/^type\b/.test(clause)) return true
  const [, names = ''] = /^\{(.*)\}$/s.exec(clause.trim()) ?? []
  const taken = names.split(',').filter((name) => name.trim() !== '')
  return taken.length > 0 && taken.every((name) => /^\s*type\s/.test(name))
}

/** A path within src, or the name of a package as it was written. */
function resolve(file: string, specifier: string): string {
  return specifier.startsWith('.') ? join(file, '..', specifier).replaceAll('\\', '/') : specifier
}

/** The folder of src, or the file that stands outside all of them. */
function roomOf(path: string): string {
  return path.split('/')[0] ?? path
}

function isInside({ target }: Import): boolean {
  return texts.has(target) || /\.tsx?$/.test(target)
}

function mayImport(rule: Rule, one: Import): boolean {
  if (isInside(one)) {
    const allowed = one.typesOnly ? [...rule.inside, ...(rule.types ?? [])] : rule.inside
    return allowed.some((path) => one.target === path || isFolder(path, one.target))
  }
  if (rule.packages === 'any') return true
  return rule.packages.some((name) =>
    name.endsWith(':')
      ? one.target.startsWith(name)
      : one.target === name || one.target.startsWith(`${name}/`),
  )
}

function isFolder(path: string, target: string): boolean {
  return (path === '' || path.endsWith('/')) && target.startsWith(path)
}

describe('the table', () => {
  test('is held against every file, and every room has a row', () => {
    expect(files.length).toBeGreaterThan(80)
    expect(imports.length).toBeGreaterThan(300)
    expect([...new Set(files.map(roomOf))].filter((room) => !(room in rules))).toEqual([])
  })

  test.each(Object.entries(rules))('%s imports what its row allows', (room, rule) => {
    const broken = imports
      .filter(({ file }) => roomOf(file) === room)
      .filter((one) => !mayImport(rule, one))
      .map(({ file, target, typesOnly }) => {
        const types = rule.types === undefined ? '' : ` and types of ${rule.types.join(', ')}`
        const packages = rule.packages === 'any' ? 'any package' : rule.packages.join(', ')
        return (
          `src/${file} imports ${target}${typesOnly ? ' (types only)' : ''}, but ${room} may ` +
          `import ${rule.inside.join(', ') || 'nothing of src'}${types}; packages: ${packages || 'none'}`
        )
      })
    expect(broken).toEqual([])
  })

  test.each(portable)('%s leans on nothing that only Node has', (room) => {
    const broken = [...texts]
      .filter(([file]) => roomOf(file) === room)
      .filter(([, text]) => usesNode(text))
      .map(([file]) => `src/${file} uses a global of Node, but ${room} also runs on Workers`)
    expect(broken).toEqual([])
  })

  test.each(Object.entries(portableFolders))(
    '%s runs on Workers with all that it imports',
    (folder, packages) => {
      const needed = neededBy(files.filter((file) => file.startsWith(folder)))
      expect(needed.size).toBeGreaterThan(folder.endsWith('/') ? 10 : 3)
      const leaning = imports
        .filter((one) => needed.has(one.file) && !one.typesOnly && !isInside(one))
        .filter(({ target }) => !packages.includes(target))
        .map(({ file, target }) => `src/${file} imports ${target}, but ${folder} needs it`)
      const using = [...needed]
        .filter((file) => usesNode(texts.get(file) ?? ''))
        .map((file) => `src/${file} uses a global of Node, but ${folder} needs it`)
      expect([...leaning, ...using]).toEqual([])
    },
  )

  test('arrows run one way: no room imports, round about, itself', () => {
    const arrows = new Map<string, Set<string>>()
    for (const one of imports) {
      if (one.typesOnly || !isInside(one)) continue
      const [from, to] = [roomOf(one.file), roomOf(one.target)]
      if (from !== to) arrows.set(from, (arrows.get(from) ?? new Set()).add(to))
    }
    expect(arrows.get('gateway.ts')).toContain('http')
    const circles = [...arrows.keys()].filter((room) => reaches(arrows, room, room))
    expect(circles.map((room) => `src/${room} imports itself through other rooms`)).toEqual([])
  })
})

function usesNode(text: string): boolean {
  return /\b(?:process|Buffer|__dirname|require)\b[.(]/.test(withoutComments(text))
}

/** These files, and all that they import for more than types, round about. */
function neededBy(given: readonly string[]): ReadonlySet<string> {
  const needed = new Set<string>()
  const ahead = [...given]
  for (let file = ahead.pop(); file !== undefined; file = ahead.pop()) {
    if (needed.has(file)) continue
    needed.add(file)
    ahead.push(
      ...imports
        .filter((one) => one.file === file && !one.typesOnly && isInside(one))
        .map(({ target }) => target),
    )
  }
  return needed
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*.*?\*\/|\/\/[^\n]*/gs, '')
}

/** Whether one gets from a room to another, in one step or more. */
function reaches(
  arrows: ReadonlyMap<string, ReadonlySet<string>>,
  from: string,
  to: string,
): boolean {
  const seen = new Set<string>()
  const ahead = [...(arrows.get(from) ?? [])]
  for (let room = ahead.pop(); room !== undefined; room = ahead.pop()) {
    if (room === to) return true
    if (seen.has(room)) continue
    seen.add(room)
    ahead.push(...(arrows.get(room) ?? []))
  }
  return false
}

describe('files', () => {
  test('have at most 300 lines', () => {
    const long = [...texts]
      .map(([file, text]) => ({ file, lines: text.trimEnd().split('\n').length }))
      .filter(({ lines }) => lines > 300)
    expect(long.map(({ file, lines }) => `src/${file} has ${lines} lines, over 300`)).toEqual([])
  })

  test('are named in kebab-case, after what is in them', () => {
    const names = files.flatMap((file) =>
      file
        .replace(/(?:\.config|\.d)?\.(?:tsx?|js)$/, '')
        .split('/')
        .map((name) => ({ file, name })),
    )
    const odd = names.filter(({ name }) => !/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(name))
    expect(odd.map(({ file }) => `src/${file} is not in kebab-case`)).toEqual([])
    const vague = names.filter(({ name }) =>
      /^(?:utils?|helpers?|managers?|common|misc)$/.test(name),
    )
    expect(vague.map(({ file, name }) => `src/${file}: "${name}" says nothing`)).toEqual([])
  })

  test('import only packages that are installed with this one', () => {
    const manifest = z
      .object({ dependencies: z.record(z.string(), z.string()) })
      .parse(JSON.parse(readFileSync(join(source, '../package.json'), 'utf8')))
    const missing = imports
      .filter(
        (one) => !one.typesOnly && !isInside(one) && !/^(?:node|cloudflare):/.test(one.target),
      )
      // The console is bundled, and GraphiQL rendered, before they are installed anywhere.
      .filter(({ file }) => !['console', 'graphiql'].includes(roomOf(file)))
      .filter(({ target }) => !(packageOf(target) in manifest.dependencies))
    expect(
      missing.map(({ file, target }) => `src/${file} imports ${target}, which is no dependency`),
    ).toEqual([])
  })
})

/** `@scope/name` or `name`, without the path behind it. */
function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

describe('the reader of imports', () => {
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
    expect(importsOf('http/door.ts', text)).toEqual([{ file: 'http/door.ts', target, typesOnly }])
  })
})
