/** Bodies sent to upload URLs: multipart forms, cut or damaged at any character, and tus chunks. */
import * as fc from 'fast-check'
import { broken } from './edge-values.ts'

export interface BodyInput {
  readonly kind: 'form' | 'tus'
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** Sent with chunked encoding instead of Content-Length. */
  readonly isChunked: boolean
  /** Position at which the body is split into two writes, as a share of its length. */
  readonly splitAt: number
  /** The connection is closed after this share of the body; null if all of it is sent. */
  readonly closeAt: number | null
}

const NAMES = ['file', 'file', 'other', '', '__proto__', 'a\\"b', '\u{FFFF}'] as const
const HEADERS = [
  'Content-Type: video/mp4',
  'Content-Type: text/plain; charset=nowhere',
  'Content-Type: ;;=;',
  'Content-Transfer-Encoding: base64',
  'Content-Disposition: attachment',
  'X: ',
  ': x',
  'no colon',
] as const
const BOUNDARIES = ['x', '-', '--', 'x'.repeat(200), "a'()+_,-./:=?", ' ', '\\', '"'] as const

/** Uniform from 0 to 1; `fc.double` is not uniform. */
const share = fc.nat(1000).map((thousandths) => thousandths / 1000)
/** Position at which the client closes the connection; mostly null. */
const closeAt = fc.oneof(
  { weight: 4, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: share },
)

/** Valid forms with zero to five fields, as text. */
function forms(boundary: string): fc.Arbitrary<string> {
  const part = fc
    .tuple(
      fc.constantFrom(...NAMES),
      fc.option(fc.constantFrom('a.mp4', '', '../../x', '\0')),
      fc.array(fc.constantFrom(...HEADERS), { maxLength: 3 }),
      fc.oneof(
        fc.string({ unit: 'binary', maxLength: 40 }),
        fc.constantFrom('\r\n', `\r\n--${boundary}`, `\r\n--${boundary}-`, 'a'.repeat(70_000)),
      ),
    )
    .map(([name, filename, headers, content]) => {
      const file = filename === null ? '' : `; filename="${filename}"`
      const lines = [`Content-Disposition: form-data; name="${name}"${file}`, ...headers]
      return `--${boundary}\r\n${lines.join('\r\n')}\r\n\r\n${content}\r\n`
    })
  return fc
    .tuple(
      fc.constantFrom('', 'preamble\r\n', '\r\n'),
      fc.array(part, { maxLength: 5 }),
      fc.constantFrom('', '\r\n', '\r\nepilogue'),
    )
    .map(([preamble, parts, end]) => `${preamble}${parts.join('')}--${boundary}--${end}`)
}

/** Complete forms, cut ones and damaged ones. */
export const formInputs: fc.Arbitrary<BodyInput> = fc
  .constantFrom(...BOUNDARIES)
  .chain((boundary) => {
    const whole = forms(boundary)
    const cut = fc
      .tuple(whole, share)
      .map(([text, kept]) => text.slice(0, Math.floor(text.length * kept)))
    const insertions = ['\r\n', '\r', '\n', '--', `--${boundary}`, ':', '"', '\0', ';', '\uFEFF']
    return fc.record({
      kind: fc.constant<'form'>('form'),
      headers: fc.constantFrom(
        { 'content-type': `multipart/form-data; boundary=${boundary}` },
        { 'content-type': `multipart/form-data; boundary="${boundary}"` },
      ),
      body: fc.oneof(whole, cut, broken(whole, insertions)).map((text) => Buffer.from(text)),
      isChunked: fc.boolean(),
      splitAt: share,
      closeAt,
    })
  })

const OFFSETS = ['0', '1', '-1', '00', '1e3', '', ' 0', '999999999999999', '99999999999999999999']

/** Chunks with unusual offsets, types and lengths; the upload has 1,000 bytes. */
export const tusInputs: fc.Arbitrary<BodyInput> = fc.record({
  kind: fc.constant<'tus'>('tus'),
  headers: fc
    .tuple(
      fc.constantFrom('0', '0', '0', ...OFFSETS),
      fc.constantFrom('application/offset+octet-stream', 'text/plain', ''),
      fc.constantFrom('1.0.0', '1.0.0', '1.0.0', '2.0.0', ''),
    )
    .map(([offset, type, version]) => ({
      'upload-offset': offset,
      'content-type': type,
      'tus-resumable': version,
    })),
  isChunked: fc.boolean(),
  body: fc.constantFrom(0, 1, 999, 1000, 1001, 300_000).map((size) => Buffer.alloc(size, 'a')),
  splitAt: share,
  closeAt,
})
