/**
 * Parses the YAML subset that the compose file uses: maps and lists by indentation, plain and quoted
 * values, anchors and merged maps. Throws on any other syntax.
 */
import { z } from 'zod'

export type Yaml = string | readonly Yaml[] | { readonly [key: string]: Yaml }
type YamlMap = Record<string, Yaml>

interface Line {
  readonly number: number
  readonly indent: number
  readonly text: string
}

interface Reader {
  readonly lines: Line[]
  readonly anchors: Map<string, YamlMap>
}

/** Parses a document; throws on unsupported syntax. */
export function readYaml(text: string): Yaml {
  const lines = text.split('\n').flatMap((line, at): Line[] => {
    const trimmed = line.trim()
    if (trimmed === '' || trimmed.startsWith('#')) return []
    return [{ number: at + 1, indent: line.length - line.trimStart().length, text: trimmed }]
  })
  const reader = { lines, anchors: new Map<string, YamlMap>() }
  const value = readBlock(reader, 0)
  if (lines[0] !== undefined) throw unsupported(lines[0])
  return value
}

/** Parses a map or a list whose lines have this indentation. */
function readBlock(reader: Reader, indent: number, anchor = ''): Yaml {
  return reader.lines[0]?.text.startsWith('- ') === true
    ? readList(reader, indent)
    : readMap(reader, indent, anchor)
}

function readList({ lines }: Reader, indent: number): Yaml[] {
  const items: Yaml[] = []
  for (let line = lines[0]; line?.indent === indent; line = lines[0]) {
    const [, item] = /^- (.+)$/.exec(line.text) ?? []
    if (item === undefined) throw unsupported(line)
    lines.shift()
    // A map that begins on the line of its dash.
    const [, key, value] = /^(\w[\w.-]*): (\S+)$/.exec(item) ?? []
    items.push(key === undefined || value === undefined ? readScalar(item, line) : { [key]: value })
  }
  return items
}

function readMap(reader: Reader, indent: number, anchor: string): YamlMap {
  const { lines, anchors } = reader
  const map: YamlMap = {}
  if (anchor !== '') anchors.set(anchor, map)
  for (let line = lines[0]; line?.indent === indent; line = lines[0]) {
    const [, key, rest = ''] = /^([\w<][\w<.-]*):(?: +(.+))?$/.exec(line.text) ?? []
    if (key === undefined || key in map) throw unsupported(line)
    lines.shift()
    if (key === '<<') {
      const merged = anchors.get(rest.replace(/^\*/, ''))
      if (merged === undefined) throw unsupported(line)
      Object.assign(map, merged)
      continue
    }
    const [, name] = /^&([\w-]+)$/.exec(rest) ?? []
    if (rest !== '' && name === undefined) {
      map[key] = readScalar(rest, line)
      continue
    }
    const next = lines[0]
    if (next === undefined || next.indent <= indent) throw unsupported(line)
    map[key] = readBlock(reader, next.indent, name)
  }
  const after = lines[0]
  if (after !== undefined && after.indent > indent) throw unsupported(after)
  return map
}

/** Parses a value on one line. JSON strings and the empty JSON map are also YAML. */
function readScalar(text: string, line: Line): Yaml {
  if (text === '{}') return {}
  if (text.startsWith('"')) return z.string().parse(JSON.parse(text))
  const [, quoted] = /^'([^']*)'$/.exec(text) ?? []
  if (quoted !== undefined) return quoted
  // Characters with another meaning in YAML, and the start of a comment or a map.
  if (/^[!&*|>%@`'{[]|\s#|: /.test(text)) throw unsupported(line)
  return text
}

function unsupported({ number, text }: Line): Error {
  return new Error(`Unsupported YAML in line ${number}: ${text}`)
}

/**
 * Substitutes variables as compose does: `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME:?message}`.
 * Throws when a required variable is not set.
 */
export function interpolate(value: string, variables: Readonly<Record<string, string>>): string {
  return value.replaceAll(
    /\$(?:(\w+)|\{(\w+)(?::([-?])([^}]*))?\})/g,
    (_all, bare: string = '', braced: string = '', sign: string = '', argument: string = '') => {
      const name = bare === '' ? braced : bare
      const content = variables[name] ?? ''
      if (content === '' && sign === '?') throw new Error(`${name} must be set: ${argument}`)
      return content === '' && sign === '-' ? argument : content
    },
  )
}
