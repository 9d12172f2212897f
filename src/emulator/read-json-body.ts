/** Reads request bodies of limited size: JSON of limited depth, and bytes. */
import type { IncomingMessage } from 'node:http'

import { badRequest, tooLarge } from './api-error.ts'
import { MAX_JSON_BYTES, MAX_JSON_DEPTH } from './limits.ts'

/** Returns the parsed body; undefined when empty or blank. Throws an ApiError (400 or 413). */
export async function readJsonBody(request: IncomingMessage): Promise<unknown> {
  const text = (await readBytes(request, MAX_JSON_BYTES)).toString('utf8')
  if (text.trim() === '') return undefined
  const parsed = parse(text)
  if (isDeeperThan(MAX_JSON_DEPTH, parsed)) {
    throw badRequest(`the request body is nested deeper than ${MAX_JSON_DEPTH} levels`)
  }
  return parsed
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw badRequest('the request body is not valid JSON')
  }
}

/** Iterates level by level: a recursion would overflow the stack on deep values. */
function isDeeperThan(levels: number, value: unknown): boolean {
  let level = [value]
  for (let depth = 0; depth <= levels; depth += 1) {
    level = level.flatMap((item): unknown[] =>
      typeof item === 'object' && item !== null ? Object.values(item) : [],
    )
    if (level.length === 0) return false
  }
  return true
}

/** Returns the body. Throws an ApiError: 413 if it is larger than `maximum` bytes, 400 if it is incomplete. */
export function readBytes(request: IncomingMessage, maximum: number): Promise<Buffer<ArrayBuffer>> {
  return new Promise((resolve, reject) => {
    const broken = () => reject(badRequest('the request ended before its body was whole'))
    // A destroyed request emits no further event, so that the promise would never settle.
    if (request.destroyed) {
      broken()
      return
    }
    const chunks: Buffer[] = []
    let bytes = 0
    const onData = (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= maximum) {
        chunks.push(chunk)
        return
      }
      // Rejected before the end, because the body may have none. `writeResponse` discards the rest.
      request.off('data', onData)
      reject(tooLarge(`the request body is larger than ${maximum} bytes`))
    }
    request.on('data', onData)
    request.once('end', () => resolve(Buffer.concat(chunks)))
    request.once('error', broken)
    request.once('close', broken)
  })
}
