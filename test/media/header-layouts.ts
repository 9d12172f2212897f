/** Damage in tables and headers that decoders do not need, and edit lists. */
import { box, u32 } from '../kit/mp4.ts'
import { append, editBox, editContent, topBox } from './boxes.ts'
import {
  base,
  editTracks,
  inEntry,
  inMovie,
  moov,
  setNumber,
  STBL,
  STSD,
  text,
} from './base-file.ts'

const emptyTables = box(
  'stbl',
  box('stsd', u32(0, 0)),
  box('stts', u32(0, 0)),
  box('stsc', u32(0, 0)),
  box('stsz', u32(0, 0, 0)),
  box('stco', u32(0, 0)),
)

/** Adds a track with another handler. */
function withTrack(handler: string, tables: Buffer): Buffer {
  const track = editBox(topBox(moov.subarray(8), 'trak'), 'trak/mdia/minf/stbl', () => tables)
  return inMovie(
    editContent(
      editContent(track, 'trak/mdia/hdlr', (content) =>
        Buffer.concat([content.subarray(0, 8), Buffer.from(handler), content.subarray(12)]),
      ),
      'trak/tkhd',
      (content) => {
        content.writeUInt32BE(9, 12)
        return content
      },
    ),
  )
}

/** Damage in tables and headers that decoders do not need. */
export const headerLayouts: Readonly<Record<string, Buffer>> = {
  'empty stss': editBox(base, `${STBL}/stss`, () => box('stss', u32(0, 0))),
  'stss without a count': editBox(base, `${STBL}/stss`, () => box('stss')),
  'stss shorter than its count': editBox(base, `${STBL}/stss`, () => box('stss', u32(0, 4, 1))),
  'no stss': editBox(base, `${STBL}/stss`, () => []),
  'ctts shorter than its count': append(base, STBL, box('ctts', u32(0, 4, 1, 0))),
  'empty ctts': append(base, STBL, box('ctts', u32(0, 0))),
  'ctts without a count': append(base, STBL, box('ctts', u32(0))),
  'empty edit list': editBox(base, 'moov/trak/edts/elst', () => box('elst', u32(0, 0))),
  'empty edts': editBox(base, 'moov/trak/edts', () => box('edts')),
  'elst shorter than its count': editBox(base, 'moov/trak/edts/elst', () =>
    box('elst', u32(0, 9, 2000, 0, 0x1_00_00)),
  ),
  'duration 0 in mvhd': setNumber('moov/mvhd', 16, 0),
  'duration of ones in mvhd': setNumber('moov/mvhd', 16, 0xff_ff_ff_ff),
  'duration 0 in tkhd': setNumber('moov/trak/tkhd', 20, 0),
  'duration 0 in mdhd': setNumber('moov/trak/mdia/mdhd', 16, 0),
  'size 0 in tkhd': setNumber('moov/trak/tkhd', 76, 0, 0),
  'matrix of zeros in tkhd': setNumber('moov/trak/tkhd', 40, ...Array.from({ length: 9 }, () => 0)),
  'next track 0 in mvhd': setNumber('moov/mvhd', 96, 0),
  'mvhd with more bytes': append(base, 'moov/mvhd', u32(0, 0)),
  'short mvhd': editContent(base, 'moov/mvhd', (content) => content.subarray(0, 20)),
  'handler after the tables': editContent(base, 'moov/trak/mdia', (content) => {
    const hdlr = topBox(content, 'hdlr')
    return Buffer.concat([editBox(content, 'hdlr', () => []), hdlr])
  }),
  'mvhd after the tracks': editContent(base, 'moov', (content) =>
    Buffer.concat([editBox(content, 'mvhd', () => []), topBox(content, 'mvhd')]),
  ),
  'second sample description': editContent(base, STSD, (content) =>
    Buffer.concat([u32(0, 2), content.subarray(8), content.subarray(8)]),
  ),
  'a track without samples': withTrack('vide', emptyTables),
  'a track of time codes without description': withTrack('tmcd', emptyTables),
  'a track of text': withTrack(
    'text',
    box('stbl', box('stsd', u32(0, 1), box('text', text)), box('stts', u32(0, 0))),
  ),
  'a track with a short handler': withTrack('me', box('stbl')),
  'a track without tables': inMovie(box('trak', box('tkhd', u32(0)))),
  'an empty track': inMovie(box('trak')),
  'audio with a short esds': editTracks(base, 'mdia/minf/stbl/stsd', (content, index) =>
    index === 0 ? content : content.subarray(0, content.indexOf('esds') + 6),
  ),
  'mehd of zeros in mvex': inMovie(box('mvex', box('mehd', u32(0, 0)))),
  'empty mvex': inMovie(box('mvex')),
}

/** Duration in the movie's timescale, and media time in seconds; null presents nothing. */
type Edits = readonly (readonly [number, number | null])[]

/** Gives both tracks the edits, and the movie their duration. */
function edited(edits: Edits): Buffer {
  const total = edits.reduce((sum, [duration]) => sum + duration, 0)
  const inTracks = editTracks(base, 'edts/elst', (_content, index) => {
    const timescale = index === 0 ? 12_800 : 48_000
    return u32(
      0,
      edits.length,
      ...edits.flatMap(([duration, time]) => [
        duration,
        time === null ? 0xff_ff_ff_ff : time * timescale,
        0x1_00_00,
      ]),
    )
  })
  return editContent(inTracks, 'moov/mvhd', (content) => {
    content.writeUInt32BE(total, 16)
    return content
  })
}

export const editLayouts: Readonly<Record<string, Buffer>> = {
  'edit of the whole': edited([[2000, 0]]),
  'edit without the end': edited([[500, 0]]),
  'edit without the start': edited([[1000, 1]]),
  'edit without start and end': edited([[600, 0.5]]),
  'the whole twice': edited([
    [2000, 0],
    [2000, 0],
  ]),
  'segments repeated': edited([
    [1000, 0],
    [1000, 0],
    [1000, 1],
  ]),
  'empty edit before the whole': edited([
    [1000, null],
    [2000, 0],
  ]),
  'empty edit between segments': edited([
    [500, 0],
    [500, null],
    [500, 0.5],
  ]),
  'edit longer than the media': edited([[5000, 0]]),
  'edit list of 64-bit numbers': editTracks(base, 'edts/elst', () =>
    u32(0x1_00_00_00, 1, 0, 700, 0, 0, 0x1_00_00),
  ),
  'rotated by 90 degrees': setNumber(
    'moov/trak/tkhd',
    40,
    0,
    0x1_00_00,
    0,
    0xff_ff_00_00,
    0,
    0,
    48 * 0x1_00_00,
    0,
    0x40_00_00_00,
  ),
  'pixels twice as wide as high': inEntry(box('pasp', u32(2, 1))),
}
