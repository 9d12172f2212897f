/**
 * Reads the compose file as far as YAML is used in it: maps and lists by their indentation, plain and
 * quoted values, anchors and merges of maps. Whatever else stands there is an error.
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

/** Throws at what it does not read. */
export function readYaml(text: string): Yaml {
  const lines = text.split('\n').flatMap((whole, at): Line[] => {
    const trimmed = whole.trim()
    if (trimmed === '' || trimmed.startsWith('#')) return []
    return [{ number: at + 1, indent: whole.length - whole.trimStart().length, text: trimmed }]
  })
  const reader = { lines, anchors: new Map<string, YamlMap>() }
  const value = readBlock(reader, 0)
  if (lines[0] !== undefined) throw unread(lines[0])
  return value
}

/** A map or a list whose lines stand at this indentation. */
function readBlock(reader: Reader, indent: number, anchor = ''): Yaml {
  return reader.lines[0]?.text.startsWith('- ') === true
    ? readList(reader, indent)
    : readMap(reader, indent, anchor)
}

function readList({ lines }: Reader, indent: number): Yaml[] {
  const items: Yaml[] = []
  for (let line = lines[0]; line?.indent === indent; line = lines[0]) {
    const [, item] = /^- (.+)$/.exec(line.text) ?? []
    if (item === undefined) throw unread(line)
    lines.shift()
    // A map that begins in the line of its dash.
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
    if (key === undefined || key in map) throw unread(line)
    lines.shift()
    if (key === '<<') {
      const merged = anchors.get(rest.replace(/^\*/, ''))
      if (merged === undefined) throw unread(line)
      Object.assign(map, merged)
      continue
    }
    const [, name] = /^&([\w-]+)$/.exec(rest) ?? []
    if (rest !== '' && name === undefined) {
      map[key] = readScalar(rest, line)
      continue
    }
    const next = lines[0]
    if (next === undefined || next.indent <= indent) throw unread(line)
    map[key] = readBlock(reader, next.indent, name)
  }
  const after = lines[0]
  if (after !== undefined && after.indent > indent) throw unread(after)
  return map
}

/** On one line: JSON's strings are YAML's too, and so is its empty map. */
function readScalar(text: string, line: Line): Yaml {
  if (text === '{}') return {}
  if (text.startsWith('"')) return z.string().parse(JSON.parse(text))
  const [, quoted] = /^'([^']*)'$/.exec(text) ?? []
  if (quoted !== undefined) return quoted
  // What would mean something else in YAML, or begin a comment or a map.
  if (/^[!&*|>%@`'{[]|\s#|: /.test(text)) throw unread(line)
  return text
}

function unread({ number, text }: Line): Error {
  return new Error(`Line ${number} is not read: ${text}`)
}

/**
 * Puts variables in, as compose does: `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME:?message}`.
 * Throws where one must be set and is not.
 */
export function interpolate(value: string, variables: Readonly<Record<string, string>>): string {
  return value.replaceAll(
    /\$(?:(\w+)|\{(\w+)(?::([-?])([^}]*))?\})/g,
    (_all, bare: string = '', braced: string = '', sign: string = '', words: string = '') => {
      const name = bare === '' ? braced : bare
      const known = variables[name] ?? ''
      if (known === '' && sign === '?') throw new Error(`${name} must be set: ${words}`)
      return known === '' && sign === '-' ? words : known
    },
  )
}
