/** MP4 and QuickTime files of one base file with harmless damage, and with unusual but valid boxes. */
import { deflateSync } from 'node:zlib'

import { box, u32 } from '../kit/mp4.ts'
import { base, free, ftyp, mdat, moov, text } from './base-file.ts'
import { editBox, longBox, shiftChunks, sizedBox } from './boxes.ts'
import { editLayouts, headerLayouts } from './header-layouts.ts'
import { metadataLayouts } from './metadata-layouts.ts'

export interface Layout {
  readonly name: string
  readonly bytes: Buffer
}

/** A movie as QuickTime compresses it. */
const compressedMovie = box(
  'moov',
  box('cmov', box('dcom', Buffer.from('zlib')), box('cmvd', u32(moov.length), deflateSync(moov))),
)

/** Other orders and sizes of the boxes at the top. */
const top: Readonly<Record<string, Buffer>> = {
  base,
  'no ftyp': shifted(free, mdat, moov),
  'mdat first': shifted(mdat, moov),
  'moov first': shifted(moov, mdat),
  'wide first': shifted(box('wide'), mdat, moov),
  'skip first': shifted(box('skip', text), mdat, moov),
  'free before ftyp': shifted(box('free', text), ftyp, free, mdat, moov),
  'uuid first': shifted(box('uuid', Buffer.alloc(16), text), mdat, moov),
  'udta first': shifted(box('udta', text), mdat, moov),
  'pnot first': shifted(box('pnot', Buffer.alloc(12)), mdat, moov),
  'ftyp of 8 bytes': shifted(box('ftyp'), free, mdat, moov),
  'ftyp of an unknown brand': shifted(box('ftyp', Buffer.from('zzzz'), u32(0)), free, mdat, moov),
  'QuickTime brand': shifted(
    box('ftyp', Buffer.from('qt  '), u32(512), Buffer.from('qt  ')),
    box('wide'),
    mdat,
    moov,
  ),
  '3GP brand': shifted(box('ftyp', Buffer.from('3gp4'), u32(512), Buffer.from('3gp4')), mdat, moov),
  '64-bit mdat': shifted(ftyp, longBox('mdat', mdat.subarray(8)), moov),
  '64-bit moov': Buffer.concat([ftyp, free, mdat, longBox('moov', moov.subarray(8))]),
  '64-bit track': editBox(base, 'moov/trak', (content) => longBox('trak', content)),
  '64-bit free at the end': Buffer.concat([base, longBox('free', text)]),
  'mdat of size 0 at the end': shifted(ftyp, moov, sizedBox(0, 'mdat', mdat.subarray(8))),
  'moov of size 0 at the end': Buffer.concat([
    ftyp,
    free,
    mdat,
    sizedBox(0, 'moov', moov.subarray(8)),
  ]),
  'free of size 0 at the end': Buffer.concat([base, sizedBox(0, 'free', text)]),
  'free beyond the end': Buffer.concat([base, sizedBox(5000, 'free', text)]),
  'free of size 4 at the end': Buffer.concat([base, sizedBox(4, 'free', text)]),
  'one byte at the end': Buffer.concat([base, Buffer.from([0])]),
  'seven bytes at the end': Buffer.concat([base, Buffer.alloc(7, 255)]),
  'text at the end': Buffer.concat([base, text]),
  'zeros at the end': Buffer.concat([base, Buffer.alloc(2000)]),
  'random bytes at the end': Buffer.concat([
    base,
    Buffer.from(Array.from({ length: 300 }, (_, index) => (index * 7919) % 256)),
  ]),
  'half a header at the end': Buffer.concat([base, u32(100)]),
  'empty mfra at the end': Buffer.concat([base, box('mfra')]),
  'mfro that lies about its size': Buffer.concat([
    base,
    box('mfra', box('mfro', u32(0, 0xff_ff_ff))),
  ]),
  'short sidx': shifted(ftyp, box('sidx', u32(0)), mdat, moov),
  'short emsg and prft': Buffer.concat([base, box('emsg'), box('prft')]),
  'compressed moov': Buffer.concat([ftyp, free, mdat, compressedMovie]),
  'second moov': Buffer.concat([base, moov]),
  'two mdat': shifted(ftyp, mdat, moov, box('mdat', text)),
}

/** Places the boxes one after another and moves the offsets by the new position of `mdat`. */
function shifted(...boxes: readonly Buffer[]): Buffer {
  const at = boxes.findIndex((bytes) => bytes.toString('latin1', 4, 8) === 'mdat')
  const headerBytes = boxes[at]?.readUInt32BE(0) === 1 ? 16 : 8
  const dataAt = Buffer.concat(boxes.slice(0, at)).length + headerBytes
  const delta = dataAt - (ftyp.length + free.length + 8)
  return shiftChunks(Buffer.concat(boxes), delta)
}

export const mp4Layouts: readonly Layout[] = Object.entries({
  ...top,
  ...metadataLayouts,
  ...headerLayouts,
  ...editLayouts,
}).map(([name, bytes]) => ({ name, bytes }))
