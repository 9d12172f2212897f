/** The scanner of multipart forms finds the same file, however the form is cut into chunks. */
import { describe, expect, test } from 'vitest'

import { FilePartScanner } from '../../src/emulator/upload-host/file-part-scanner.ts'

const TYPE = 'multipart/form-data; boundary=x-y'
const START = '--x-y\r\nContent-Disposition: form-data; name='
const END = '\r\n--x-y--\r\n'

/** Returns the file as latin1; null without one, or when the form is not complete. */
function scan(chunks: readonly Buffer[], type = TYPE): string | null {
  const scanner = FilePartScanner.create(type)
  if (scanner === null) return null
  const found = chunks.flatMap((chunk) => [...scanner.push(chunk)])
  return scanner.isComplete && scanner.hasFile ? Buffer.concat(found).toString('latin1') : null
}

function scanText(text: string, type = TYPE): string | null {
  return scan([Buffer.from(text, 'latin1')], type)
}

describe.each([
  ['almost delimiters', '\r\r\n-\r\n--\r\n--x-\r\n\r\n--x--\r\n-x-y--x-y\r\n\r'],
  ['line breaks', '\r\n\r\n'],
  ['no bytes', ''],
])('finds a file of %s', (_name, content) => {
  const form = Buffer.from(
    `preamble\r\n${START}"a"; filename="file"\r\n\r\n${content}\r\n--x-y\r\n\r\n--x-y \r\n` +
      `content-type: video/mp4\r\nCONTENT-DISPOSITION:form-data;\r\n filename="a\\"; name=b"; name=file\r\n\r\n` +
      `${content}\r\n${START}"file"\r\n\r\nanother${END}epilogue${END}`,
    'latin1',
  )

  test('in one chunk, and in two at any byte', () => {
    for (let at = 0; at <= form.length; at += 1) {
      expect(scan([form.subarray(0, at), form.subarray(at)])).toBe(content)
    }
  })

  test('byte by byte', () => {
    const bytes = Array.from(form, (_byte, at) => form.subarray(at, at + 1))
    expect(scan(bytes)).toBe(content)
  })
})

test.each([
  ['another field', `${START}"a"`],
  ['a filename', `${START}"a"; filename="; name=file"`],
  ['a name in another case', `${START}"File"`],
  ['a header of another name', '--x-y\r\nX-Content-Disposition: form-data; name="file"'],
  ['a part that is no form data', '--x-y\r\nContent-Disposition: attachment; name="file"'],
])('finds no file in %s', (_name, headers) => {
  expect(scanText(`${headers}\r\n\r\nabc${END}`)).toBeNull()
})

test('reads headers without a body', () => {
  expect(scanText(`${START}"a"\r\n\r\n${START}"file"\r\n\r\nabc${END}`)).toBe('abc')
  expect(scanText(`${START}"file"\r\n${END}`)).toBe('')
})

test.each([
  ['another type', 'multipart/mixed; boundary=x-y'],
  ['no boundary', 'multipart/form-data; other=x-y'],
  ['an empty boundary', 'multipart/form-data; boundary=""'],
  ['no value', ''],
])('rejects a Content-Type with %s', (_name, type) => {
  expect(FilePartScanner.create(type)).toBeNull()
})
