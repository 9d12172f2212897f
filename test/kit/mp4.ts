/** Writes small MP4 files box by box, valid or with arbitrary numbers in their tables. */

/** The boxes of one track in `stbl` after the sample description. */
export type SampleTables = (mediaOffset: number) => readonly Buffer[]

/** Writes 32-bit big-endian numbers. */
export function u32(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4)
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, index * 4)
  return bytes
}

export function box(type: string, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents)
  return Buffer.concat([u32(content.length + 8), Buffer.from(type, 'latin1'), content])
}

/** The tables of one sample of 100 bytes that lasts a second. */
export const plainTables = {
  stts: box('stts', u32(0, 1, 1, 1000)),
  stsc: box('stsc', u32(0, 1, 1, 1, 1)),
  stsz: box('stsz', u32(0, 0, 1, 100)),
  stco: (mediaOffset: number) => box('stco', u32(0, 1, mediaOffset)),
}

/** One second of video. */
export function plainVideo(mediaOffset: number): readonly Buffer[] {
  const { stts, stsc, stsz, stco } = plainTables
  return [stts, stsc, stsz, stco(mediaOffset)]
}

export interface Mp4Options {
  readonly video?: SampleTables
  /** A second track of PCM audio. */
  readonly audio?: SampleTables
  /** The edit list of the video: durations and media times in milliseconds. */
  readonly edits?: readonly { readonly duration: number; readonly mediaTime: number }[]
  /** Boxes after the tracks in `moov`. */
  readonly movieBoxes?: readonly Buffer[]
  /** Boxes at the end of the file. */
  readonly fragments?: readonly Buffer[]
  /** Bytes of an empty `free` box at the end. */
  readonly padding?: number
}

const MATRIX = u32(0x1_00_00, 0, 0, 0, 0x1_00_00, 0, 0, 0, 0x40_00_00_00)
const FTYP = box('ftyp', Buffer.from('isom'), u32(512), Buffer.from('isomiso2avc1mp41'))

const AVC1 = box(
  'avc1',
  Buffer.from([0, 0, 0, 0, 0, 0, 0, 1]),
  Buffer.alloc(16),
  u32(0x02_80_01_68, 0x48_00_00, 0x48_00_00, 0),
  Buffer.from([0, 1]),
  Buffer.alloc(32),
  u32(0x00_18_ff_ff),
  box('avcC', Buffer.from([1, 66, 0, 30, 255, 225, 0, 0, 1, 0, 0])),
)
/** Little-endian PCM of 16 bits, two channels, 48 kHz. */
const SOWT = box(
  'sowt',
  Buffer.from([0, 0, 0, 0, 0, 0, 0, 1]),
  Buffer.alloc(8),
  u32(0x00_02_00_10, 0, 0xbb_80_00_00),
)

/** Writes one second of 640 × 360 by default. */
export function writeMp4(options: Mp4Options = {}): Buffer<ArrayBuffer> {
  const { video = plainVideo, audio, movieBoxes = [], fragments = [], padding = 0 } = options
  const entries = (options.edits ?? []).flatMap((edit) => [
    edit.duration,
    edit.mediaTime,
    0x1_00_00,
  ])
  const edits = entries.length === 0 ? [] : [editList(entries)]
  const movie = (mediaOffset: number) =>
    box(
      'moov',
      box(
        'mvhd',
        u32(0, 0, 0, 1000, 1000, 0x1_00_00, 0x1_00_00_00, 0, 0),
        MATRIX,
        Buffer.alloc(24),
        u32(3),
      ),
      track(1, 'vide', AVC1, video(mediaOffset), edits),
      ...(audio === undefined ? [] : [track(2, 'soun', SOWT, audio(mediaOffset))]),
      ...movieBoxes,
    )
  const mediaOffset = FTYP.length + movie(0).length + 8
  return Buffer.concat([
    FTYP,
    movie(mediaOffset),
    box('mdat', Buffer.alloc(100)),
    ...fragments,
    ...(padding === 0 ? [] : [box('free', Buffer.alloc(padding))]),
  ])
}

function editList(entries: readonly number[]): Buffer {
  return box('edts', box('elst', u32(0, entries.length / 3, ...entries)))
}

function track(
  id: number,
  handler: string,
  entry: Buffer,
  tables: readonly Buffer[],
  edits: readonly Buffer[] = [],
): Buffer {
  return box(
    'trak',
    box('tkhd', u32(7, 0, 0, id, 0, 1000, 0, 0, 0, 0), MATRIX, u32(0x2_80_00_00, 0x1_68_00_00)),
    ...edits,
    box(
      'mdia',
      box('mdhd', u32(0, 0, 0, 1000, 1000, 0x55_c4_00_00)),
      box('hdlr', u32(0, 0), Buffer.from(handler), Buffer.alloc(13)),
      box('minf', box('stbl', box('stsd', u32(0, 1), entry), ...tables)),
    ),
  )
}
