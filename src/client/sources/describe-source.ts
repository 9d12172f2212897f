/** Name and size of a source that is not open yet. */
import { isObject } from '../shape.ts'
import { nameOfPath } from './node-file.ts'
import { readName } from './source-file.ts'

export interface SourceDescription {
  /** Undefined without a name. */
  readonly name: string | undefined
  /** In bytes; null if it is not known before the file is open, as for a path. */
  readonly size: number | null
}

export function describeSource(source: unknown): SourceDescription {
  if (typeof source === 'string') return { name: nameOfPath(source), size: null }
  if (source instanceof Uint8Array) return { name: undefined, size: source.byteLength }
  if (!isObject(source)) return { name: undefined, size: null }
  const { name, size } = source
  return { name: readName(name), size: typeof size === 'number' ? size : null }
}
