/** Media files of each container format with counts, sizes and other numbers set to extreme values. */
import { readFileSync } from 'node:fs'

import * as fc from 'fast-check'
import {
  ALL_FORMATS,
  BufferSource,
  BufferTarget,
  Conversion,
  Input,
  MkvOutputFormat,
  MovOutputFormat,
  Mp4OutputFormat,
  MpegTsOutputFormat,
  Output,
  type OutputFormat,
} from 'mediabunny'
import { testcard } from '../kit/media.ts'
import { plainVideo, writeMp4 } from '../kit/mp4.ts'

export interface MediaInput {
  readonly kind: 'media'
  readonly name: string
  readonly bytes: Uint8Array<ArrayBuffer>
}

interface BaseFile {
  readonly name: string
  readonly bytes: Uint8Array
}

/** Length of the excerpt of the test card, in seconds: small, but with every kind of box. */
const LENGTH_SECONDS = 0.3

/** Creates a valid file of each container format. */
export async function writeBaseFiles(): Promise<readonly BaseFile[]> {
  const formats: Readonly<Record<string, OutputFormat>> = {
    mp4: new Mp4OutputFormat({ fastStart: 'in-memory' }),
    'fragmented mp4': new Mp4OutputFormat({ fastStart: 'fragmented' }),
    mov: new MovOutputFormat({ fastStart: 'in-memory' }),
    matroska: new MkvOutputFormat(),
    'transport stream': new MpegTsOutputFormat(),
  }
  const files = Object.entries(formats).map(async ([name, format]) => ({
    name,
    bytes: await convertTestcard(format),
  }))
  const written = { name: 'mp4 with audio', bytes: writeMp4({ audio: plainVideo }) }
  // The containers of the second reader.
  const others = ['mpeg4.avi', 'h264.flv', 'mpeg1.mpg', 'mpeg2.mxf', 'mpeg2.gxf', 'programs.mpegts']
  const fixtures = others.map((name) => ({
    name,
    bytes: readFileSync(new URL(`../media/fixtures/${name}`, import.meta.url)),
  }))
  return [...(await Promise.all(files)), written, ...fixtures]
}

async function convertTestcard(format: OutputFormat): Promise<Uint8Array> {
  const target = new BufferTarget()
  const conversion = await Conversion.init({
    input: new Input({ formats: ALL_FORMATS, source: new BufferSource(testcard.bytes) }),
    output: new Output({ format, target }),
    trim: { start: 0, end: LENGTH_SECONDS },
    // mediabunny cannot trim its audio codec here.
    audio: { discard: true },
    showWarnings: false,
  })
  await conversion.execute()
  if (target.buffer === null) throw new Error('The test card was not converted.')
  return new Uint8Array(target.buffer)
}

const EXTREMES: Readonly<Record<1 | 2 | 4 | 8, readonly bigint[]>> = {
  1: [0n, 1n, 0x7fn, 0x80n, 0xffn],
  2: [0n, 1n, 0x7f_ffn, 0x80_00n, 0xff_ffn],
  4: [0n, 1n, 0x7f_ff_ff_ffn, 0x80_00_00_00n, 0xff_ff_ff_ffn, 0xff_ff_ff_fen],
  8: [0n, 1n, 0x7f_ff_ff_ff_ff_ff_ff_ffn, 0x80n << 56n, (1n << 64n) - 1n, 1n << 32n, 1n << 53n],
}

interface Patch {
  readonly offset: number
  readonly width: 1 | 2 | 4 | 8
  readonly value: bigint
}

/** Files with one to four changed numbers; some are truncated. */
export function mediaInputs(files: readonly BaseFile[]): fc.Arbitrary<MediaInput> {
  return fc.constantFrom(...files).chain(({ name, bytes }) => {
    const patch = fc
      .tuple(
        // Most tables are at the start of these files.
        fc.oneof(
          { weight: 5, arbitrary: fc.nat(Math.min(bytes.length, 1500) - 1) },
          { weight: 1, arbitrary: fc.nat(bytes.length - 1) },
        ),
        fc.constantFrom<1 | 2 | 4 | 8>(1, 2, 4, 4, 4, 8),
        fc.nat(),
      )
      .map(([offset, width, choice]): Patch => {
        const values = EXTREMES[width]
        return { offset, width, value: values[choice % values.length] ?? 0n }
      })
    const end = fc.oneof(
      { weight: 8, arbitrary: fc.constant(bytes.length) },
      { weight: 1, arbitrary: fc.nat(bytes.length) },
    )
    return fc
      .tuple(fc.array(patch, { minLength: 1, maxLength: 4 }), end)
      .map(([patches, cutAt]) => ({
        kind: 'media',
        name: `${name}, ${patches.map(({ offset, width, value }) => `${offset}:${width}=${value}`).join()}`,
        bytes: patched(bytes, patches, cutAt),
      }))
  })
}

function patched(
  bytes: Uint8Array,
  patches: readonly Patch[],
  end: number,
): Uint8Array<ArrayBuffer> {
  const copy = Buffer.concat([bytes, Buffer.alloc(8)])
  for (const { offset, width, value } of patches) {
    copy.write(value.toString(16).padStart(width * 2, '0'), offset, 'hex')
  }
  return new Uint8Array(copy.subarray(0, end))
}
