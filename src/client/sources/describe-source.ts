/** Name and size of a source that is not open yet. */
import { isObject } from '../shape.ts'
import { nameOfPath } from './node-file.ts'
import { readName } from './source-file.ts'

export interface SourceDescription {
  /** Undefined without a name. */
  readonly name: string | undefined
  /** In bytes; 0 if it is not known before the file is open, as for a path. */
  readonly size: number
}

export function describeSource(source: unknown): SourceDescription {
  if (typeof source === 'string') return { name: nameOfPath(source), size: 0 }
  if (source instanceof Uint8Array) return { name: undefined, size: source.byteLength }
  if (!isObject(source)) return { name: undefined, size: 0 }
  const { name, size } = source
  return { name: readName(name), size: typeof size === 'number' ? size : 0 }
}
