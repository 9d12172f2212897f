/** Edits the boxes of an MP4 file. */
import { box, u32 } from '../kit/mp4.ts'

/** Returns the new boxes in place of a box with this content. */
export type Edit = (content: Buffer, whole: Buffer) => Buffer | readonly Buffer[]

/** A box header with 64-bit size. */
export function longBox(type: string, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents)
  return Buffer.concat([u32(1), Buffer.from(type, 'latin1'), u32(0, content.length + 16), content])
}

/** A box whose header states a size of its own. */
export function sizedBox(size: number, type: string, ...contents: readonly Uint8Array[]): Buffer {
  const bytes = box(type, ...contents)
  bytes.writeUInt32BE(size)
  return bytes
}

/** Edits the first box at a path such as `moov/trak/mdia`; its parents get their new sizes. */
export function editBox(bytes: Buffer, path: string, edit: Edit): Buffer {
  const [type = '', ...rest] = path.split('/')
  const at = findBox(bytes, type)
  const end = at + bytes.readUInt32BE(at)
  const content = bytes.subarray(at + 8, end)
  const edited =
    rest.length === 0
      ? edit(content, bytes.subarray(at, end))
      : box(type, editBox(content, rest.join('/'), edit))
  const boxes = edited instanceof Uint8Array ? [edited] : edited
  return Buffer.concat([bytes.subarray(0, at), ...boxes, bytes.subarray(end)])
}

/** Adds boxes at the end of the box at a path. */
export function append(bytes: Buffer, path: string, ...added: readonly Buffer[]): Buffer {
  return editContent(bytes, path, (content) => Buffer.concat([content, ...added]))
}

/** Adds boxes at the start of the box at a path. */
export function prepend(bytes: Buffer, path: string, ...added: readonly Buffer[]): Buffer {
  return editContent(bytes, path, (content) => Buffer.concat([...added, content]))
}

/** Replaces the content of the box at a path. */
export function editContent(
  bytes: Buffer,
  path: string,
  edit: (content: Buffer) => Buffer,
): Buffer {
  const type = path.split('/').at(-1) ?? ''
  return editBox(bytes, path, (content) => box(type, edit(Buffer.from(content))))
}

/** Adds to each chunk offset of both tracks. */
export function shiftChunks(bytes: Buffer, delta: number): Buffer {
  const copy = Buffer.from(bytes)
  for (let at = copy.indexOf('stco'); at !== -1; at = copy.indexOf('stco', at + 4)) {
    const count = copy.readUInt32BE(at + 8)
    for (let entry = 0; entry < count; entry += 1) {
      const offset = at + 12 + entry * 4
      copy.writeUInt32BE(copy.readUInt32BE(offset) + delta, offset)
    }
  }
  return copy
}

function findBox(bytes: Buffer, type: string): number {
  for (let at = 0; at + 8 <= bytes.length; at += bytes.readUInt32BE(at)) {
    if (bytes.toString('latin1', at + 4, at + 8) === type) return at
  }
  throw new Error(`The box ${type} is missing.`)
}

/** The top-level box of a type, with its header. */
export function topBox(bytes: Buffer, type: string): Buffer {
  const at = findBox(bytes, type)
  return bytes.subarray(at, at + bytes.readUInt32BE(at))
}

/** The boxes in a content, with their headers. */
export function boxesOf(content: Buffer): readonly Buffer[] {
  const boxes: Buffer[] = []
  for (let at = 0; at < content.length; at += content.readUInt32BE(at)) {
    boxes.push(content.subarray(at, at + content.readUInt32BE(at)))
  }
  return boxes
}
