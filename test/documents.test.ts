/** Checks every Markdown page: link targets and paths exist, and limits equal the constants of the code. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { anchorOf } from './reference/markdown.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const listed = ['ls-files', '--cached', '--others', '--exclude-standard', '*.md']
const pages = execFileSync('git', listed, { cwd: root, encoding: 'utf8' })
  .split('\n')
  .filter((path) => path !== '')

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

/** Returns the page without code blocks, because their lines may look like headings or links. */
function proseOf(page: string): string {
  return read(page).replaceAll(/^ *```[^]*?^ *```$/gm, '')
}

function headingsOf(page: string): string[] {
  return [...proseOf(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading))
}

interface Link {
  /** Path relative to the repository root; the page itself for a link to its own heading. */
  readonly path: string
  readonly anchor: string
}

function linksOf(page: string): Link[] {
  return [...proseOf(page).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)]*))?\)/g)].map(
    ([, target = '', anchor = '']) => ({
      path: target === '' ? page : join(dirname(page), target),
      anchor,
    }),
  )
}

function isBroken({ path, anchor }: Link): boolean {
  if (!existsSync(join(root, path))) return true
  return anchor !== '' && !headingsOf(path).includes(anchor)
}

describe.each(pages)('%s', (page) => {
  test('links only to files and headings that exist', () => {
    expect(linksOf(page).filter(isBroken)).toEqual([])
  })

  test('says how to get the packages of headgate that it uses', () => {
    const text = read(page)
    // Neither package is in the npm registry.
    expect(text).not.toMatch(/^npm install .*(?<=\s)headgate(?=\s|$)/m)
    expect(text).not.toContain("'headgate/client'")
    const usesClient = /'@headgate\/client'|@headgate\/client\/schema/.test(text)
    const namesClient = /headgate-client-[\d.]+\.tgz|\(\S*client\/README\.md\)/.test(text)
    const usesGateway = /from 'headgate(?:\/[\w/]+)?'/.test(text)
    const namesGateway = /headgate-[\d.]+\.tgz/.test(text)
    expect([usesClient && !namesClient, usesGateway && !namesGateway]).toEqual([false, false])
  })

  test('names only files and folders that exist', () => {
    const paths = [...proseOf(page).matchAll(/`((?:src|test|migrations|schema)\/[\w./-]*)`/g)]
    // The title of a code block is a file of the reader's project.
    const recipeFiles = new Set(
      [...read(page).matchAll(/^```\w+ (\S+)$/gm)].map(([, name]) => name),
    )
    const missing = paths
      .map(([, path = '']) => path)
      .filter((path) => !recipeFiles.has(path) && !existsSync(join(root, path)))
    expect(missing).toEqual([])
  })
})

test('the README has at most 170 lines', () => {
  expect(read('README.md').split('\n').length - 1).toBeLessThanOrEqual(170)
})

test('the package contains every page that the README links to, except those for contributors', () => {
  const { files } = z.object({ files: z.array(z.string()) }).parse(JSON.parse(read('package.json')))
  const contributors = new Set(['src/README.md', 'test/bench/README.md'])
  const linked = linksOf('README.md').map(({ path }) => path)
  const missing = linked
    .filter((path) => path.endsWith('.md') && !contributors.has(path))
    .filter((path) => !files.some((file) => path === file || path.startsWith(`${file}/`)))
  expect(missing).toEqual([])
})

/** Returns the table rows of a page that refer to a constant. */
function limitsIn(page: string) {
  const rows = proseOf(page)
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()))
  return rows.flatMap(([, limit = '', number = '', ...rest]) => {
    const [, name, file] = /^`(\w+)` in `([\w./-]+)`$/.exec(rest.at(-2) ?? '') ?? []
    return name === undefined || file === undefined ? [] : [{ page, limit, number, name, file }]
  })
}

/** Evaluates a constant whose initializer is a product of numbers and other constants of its file. */
function valueOf(name: string, text: string): number {
  const [, initializer = ''] =
    new RegExp(String.raw`^(?:export )?const ${name} =\s+([\w* ]+)$`, 'm').exec(text) ??
    new RegExp(String.raw`^ +${name}: ([\d_]+),$`, 'm').exec(text) ??
    []
  const factors = initializer.split('*').map((factor) => factor.trim())
  return factors.reduce(
    (product, factor) =>
      product *
      (/^[\d_]+$/.test(factor) ? Number(factor.replaceAll('_', '')) : valueOf(factor, text)),
    1,
  )
}

const UNITS: Readonly<Record<string, number>> = {
  bytes: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  MB: 1e6,
  GB: 1e9,
  ms: 1,
  s: 1000,
  min: 60_000,
  h: 3_600_000,
  days: 86_400_000,
}

/** Converts a cell, such as `64 KiB`, to the unit of the constant: bytes, milliseconds or seconds. */
function numberOf(cell: string, name: string): number {
  const [, digits = '', unit = ''] = /^([\d,.]+) ?(\w*)$/.exec(cell) ?? []
  const factor = unit === '' ? 1 : (UNITS[unit] ?? NaN)
  const scale = name.endsWith('_SECONDS') ? 1000 : 1
  return (Number(digits.replaceAll(',', '')) * factor) / scale
}

describe('limits', () => {
  const limits = ['src/http/limits.md', 'src/emulator/README.md'].flatMap(limitsIn)

  test('are read from the pages', () => {
    expect(limits.length).toBeGreaterThan(60)
  })

  test.each(limits)('$page: $limit is $number, as $name in $file', ({ number, name, file }) => {
    expect(numberOf(number, name)).toBe(valueOf(name, read(file)))
  })
})
