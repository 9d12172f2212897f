/** The file that the layouts edit, and edits of it. */
import { readFileSync } from 'node:fs'

import { box, u32 } from '../kit/mp4.ts'
import { append, boxesOf, editContent, topBox } from './boxes.ts'

/** `ftyp`, `free`, `mdat`, `moov`: edits of `moov` do not move the samples. See fixtures/README.md. */
export const base = readFileSync(new URL('fixtures/base.mp4', import.meta.url))

export const ftyp = topBox(base, 'ftyp')
export const free = topBox(base, 'free')
export const mdat = topBox(base, 'mdat')
export const moov = topBox(base, 'moov')

export const text = Buffer.from('Some text that is no box, as some cameras write it.')

export const STBL = 'moov/trak/mdia/minf/stbl'

export const STSD = `${STBL}/stsd`

export function inMovie(...boxes: readonly Buffer[]): Buffer {
  return append(base, 'moov', ...boxes)
}

/** Adds boxes to the sample entry of the video. */
export function inEntry(...boxes: readonly Buffer[]): Buffer {
  return editContent(base, STSD, (content) =>
    Buffer.concat([content.subarray(0, 8), box('avc1', content.subarray(16), ...boxes)]),
  )
}

/** Sets 32-bit numbers from an offset in the content of a box. */
export function setNumber(path: string, offset: number, ...values: readonly number[]): Buffer {
  return editContent(base, path, (content) => {
    u32(...values).copy(content, offset)
    return content
  })
}

/** Edits the content of a box in each track. */
export function editTracks(
  bytes: Buffer,
  path: string,
  edit: (content: Buffer, index: number) => Buffer,
): Buffer {
  return editContent(bytes, 'moov', (content) => {
    let index = -1
    return Buffer.concat(
      boxesOf(content).map((whole) => {
        if (whole.toString('latin1', 4, 8) !== 'trak') return whole
        index += 1
        return editContent(whole, `trak/${path}`, (inner) => edit(inner, index))
      }),
    )
  })
}
