/** Damage in boxes that do not describe the samples. */
import { box, u32 } from '../kit/mp4.ts'
import { append, editBox, editContent, prepend, sizedBox } from './boxes.ts'
import { base, inEntry, inMovie, STBL, text } from './base-file.ts'

/** Damage in metadata, which does not describe the samples. */
export const metadataLayouts: Readonly<Record<string, Buffer>> = {
  'text in udta': editBox(base, 'moov/udta', () => box('udta', text)),
  'text in udta of a track': append(base, 'moov/trak', box('udta', text)),
  'udta with a terminator of zeros': inMovie(box('udta', box('name', text), u32(0))),
  'empty udta': editBox(base, 'moov/udta', () => box('udta')),
  'udta with a box larger than itself': inMovie(box('udta', sizedBox(5000, 'name', text))),
  'udta with a box of size 3': inMovie(box('udta', sizedBox(3, 'name', text))),
  'udta with a box of size 4 GiB': inMovie(box('udta', sizedBox(0xff_ff_ff_ff, '©nam', text))),
  'udta with a short text field': inMovie(box('udta', box('©nam', Buffer.from([0])))),
  'udta with a text field that claims 65,535 bytes': inMovie(
    box('udta', box('©nam', Buffer.from([0xff, 0xff, 0, 0, 65]))),
  ),
  'empty meta': inMovie(box('meta')),
  'empty meta in udta': editBox(base, 'moov/udta', () => box('udta', box('meta'))),
  'empty meta at the top': Buffer.concat([base, box('meta')]),
  'empty meta in a track': append(base, 'moov/trak', box('meta')),
  'meta of a version only': inMovie(box('meta', u32(0))),
  'meta with half a version': inMovie(box('meta', Buffer.from([0, 0]))),
  'meta without handler': inMovie(box('meta', u32(0), box('ilst', box('©nam', text)))),
  'meta of QuickTime without version': inMovie(
    box(
      'meta',
      box('hdlr', u32(0, 0), Buffer.from('mdta'), Buffer.alloc(13)),
      box('keys', u32(0, 0)),
    ),
  ),
  'meta with four billion keys': inMovie(
    box(
      'meta',
      u32(0),
      box('hdlr', u32(0, 0), Buffer.from('mdta'), Buffer.alloc(13)),
      box('keys', u32(0, 0xff_ff_ff_ff)),
    ),
  ),
  'meta with a short item': inMovie(
    box(
      'udta',
      box(
        'meta',
        u32(0),
        box('hdlr', u32(0, 0), Buffer.from('mdir'), Buffer.alloc(13)),
        box('ilst', box('©nam', box('data'))),
      ),
    ),
  ),
  'meta with a cover that is larger than the file': inMovie(
    box(
      'udta',
      box(
        'meta',
        u32(0),
        box('hdlr', u32(0, 0), Buffer.from('mdir'), Buffer.alloc(13)),
        box('ilst', box('covr', sizedBox(0x7f_ff_ff_ff, 'data', u32(13, 0)))),
      ),
    ),
  ),
  'meta with a handler of text': inMovie(box('meta', u32(0), box('hdlr', text))),
  'empty pssh': inMovie(box('pssh')),
  'pssh of 12 bytes': inMovie(box('pssh', u32(0, 1, 2))),
  'pssh with data larger than itself': inMovie(box('pssh', u32(0, 1, 2, 3, 4, 0xff_ff_ff_ff))),
  'pssh with four billion keys': inMovie(
    box('pssh', u32(0x1_00_00_00, 1, 2, 3, 4, 0xff_ff_ff_ff, 1)),
  ),
  'short uuid': inMovie(box('uuid', Buffer.from([1, 2, 3]))),
  'empty uuid in a track': append(base, 'moov/trak', box('uuid')),
  'short uuid at the top': Buffer.concat([base, box('uuid', Buffer.from([1, 2, 3]))]),
  'empty iods': inMovie(box('iods')),
  'iods of text': prepend(base, 'moov', box('iods', text)),
  'empty tref': append(base, 'moov/trak', box('tref')),
  'tref to a missing track': append(base, 'moov/trak', box('tref', box('chap', u32(99)))),
  'tref of text': append(base, 'moov/trak', box('tref', text)),
  'cslg of version 7': append(base, STBL, box('cslg', u32(0x7_00_00_00, 1, 2, 3, 4, 5))),
  'empty cslg': append(base, STBL, box('cslg')),
  'empty sdtp': append(base, STBL, box('sdtp')),
  'short sgpd and sbgp': append(base, STBL, box('sgpd'), box('sbgp', u32(0))),
  'sbgp with four billion groups': append(
    base,
    STBL,
    box('sbgp', u32(0, 0x72_6f_6c_6c, 0xff_ff_ff_ff)),
  ),
  'short saiz and saio': append(base, STBL, box('saiz', Buffer.from([0])), box('saio')),
  'unknown box in a track': append(base, 'moov/trak', box('zzzz', text)),
  'unknown box in stbl': append(base, STBL, box('zzzz', text)),
  'unknown box with a type of zeros': append(base, STBL, box('\0\0\0\0', text)),
  'zeros at the end of a track': append(base, 'moov/trak', u32(0)),
  'zeros at the end of moov': inMovie(u32(0, 0, 0)),
  'four bytes at the end of stbl': append(base, STBL, u32(0)),
  'zeros at the end of minf': append(base, 'moov/trak/mdia/minf', u32(0, 0)),
  'short colr': inEntry(box('colr', Buffer.from('nc'))),
  'colr with a short ICC profile': inEntry(box('colr', Buffer.from('prof'))),
  'short pasp': inEntry(box('pasp', u32(1))),
  'pasp of zeros': inEntry(box('pasp', u32(0, 0))),
  'short btrt': inEntry(box('btrt', Buffer.from([1]))),
  'short clap and fiel': inEntry(box('clap', u32(1)), box('fiel')),
  'text in the sample description': inEntry(box('zzzz', text)),
  'four zero bytes after the sample description': inEntry(u32(0)),
  'handler without a name': editContent(base, 'moov/trak/mdia/hdlr', (content) =>
    content.subarray(0, 20),
  ),
  'handler with a Pascal string': editContent(base, 'moov/trak/mdia/hdlr', (content) =>
    Buffer.concat([content.subarray(0, 20), Buffer.from([5]), Buffer.from('Video')]),
  ),
  'gmhd, load and matt of QuickTime': append(
    append(base, 'moov/trak', box('load', u32(0)), box('matt', text)),
    'moov/trak/mdia/minf',
    box('gmhd', box('gmin')),
  ),
  'no vmhd': editBox(base, 'moov/trak/mdia/minf/vmhd', () => []),
  'no dinf': editBox(base, 'moov/trak/mdia/minf/dinf', () => []),
  'dref of text': editContent(base, 'moov/trak/mdia/minf/dinf/dref', () => text),
}
