/** Responds with a file or a part of it, complete or in one requested byte range. */
import type { IncomingMessage } from 'node:http'

import { httpResponse, textResponse, type FilePart, type HttpResponse } from '../http-response.ts'

/** Both ends are inclusive. */
interface ByteRange {
  readonly first: number
  readonly last: number
}

/**
 * Returns 200 with the whole part, 206 with one range of it, 304 if the client has it, or 416.
 * @param etag identifies the version of the file, for `If-None-Match` and `If-Range`
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-range-requests
 */
export function fileResponse(
  request: IncomingMessage,
  part: FilePart,
  contentType: string,
  etag: string,
): HttpResponse {
  const { path, offset, size } = part
  const headers = { 'accept-ranges': 'bytes', 'content-type': contentType, etag: `"${etag}"` }
  if (hasVersion(request.headers['if-none-match'], headers.etag)) {
    return httpResponse(304, { etag: headers.etag })
  }
  const ifRange = request.headers['if-range']
  const isFresh = ifRange === undefined || ifRange === headers.etag
  const range = isFresh ? readRange(request.headers.range, size) : null
  if (range === 'unsatisfiable') {
    return textResponse(416, `The file has ${size} bytes.`, { 'content-range': `bytes */${size}` })
  }
  if (range === null) {
    return httpResponse(200, { ...headers, 'content-length': String(size) }, part)
  }
  const { first, last } = range
  return httpResponse(
    206,
    {
      ...headers,
      'content-length': String(last - first + 1),
      'content-range': `bytes ${first}-${last}/${size}`,
    },
    { path, offset: offset + first, size: last - first + 1 },
  )
}

/**
 * Returns whether the header `If-None-Match` names this version.
 * https://www.rfc-editor.org/rfc/rfc9110#name-if-none-match
 */
function hasVersion(header: string | undefined, etag: string): boolean {
  const tags = (header ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''))
  return tags.includes(etag) || header === '*'
}

/** Returns null when the whole file must be sent: no range, an invalid one, or several. */
function readRange(header: string | undefined, size: number): ByteRange | 'unsatisfiable' | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '')
  if (match === null) return null
  const [, from = '', to = ''] = match
  if (from === '' && to === '') return null
  if (from === '') {
    const length = Math.min(Number(to), size)
    return length === 0 ? 'unsatisfiable' : { first: size - length, last: size - 1 }
  }
  const first = Number(from)
  const last = to === '' ? size - 1 : Math.min(Number(to), size - 1)
  if (to !== '' && Number(to) < first) return null
  return first >= size ? 'unsatisfiable' : { first, last }
}
