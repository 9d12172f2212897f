/** Reads a JSON request body, bounded, and says in words what is wrong with it. */
import type { IncomingMessage } from 'node:http'

import { badRequest, tooLarge } from './api-error.ts'
import { MAX_JSON_BYTES, MAX_JSON_DEPTH } from './limits.ts'

/** The parsed body; undefined where there was none. */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const text = await readText(request)
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

/** Level by level: a recursion would overflow the stack by what it looks for. */
function isDeeperThan(levels: number, value: unknown): boolean {
  let level = [value]
  for (let depth = 0; depth <= levels; depth += 1) {
    level = level.flatMap((one): unknown[] =>
      typeof one === 'object' && one !== null ? Object.values(one) : [],
    )
    if (level.length === 0) return false
  }
  return true
}

function readText(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const broken = () => reject(badRequest('the request ended before its body was whole'))
    // A client that is gone already will never be heard of again: no event would settle this.
    if (request.destroyed) {
      broken()
      return
    }
    const chunks: Buffer[] = []
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      // What goes beyond the limit is still let run out, but not kept.
      if (bytes > MAX_JSON_BYTES) chunks.length = 0
      else chunks.push(chunk)
    })
    request.once('end', () => {
      if (bytes <= MAX_JSON_BYTES) resolve(Buffer.concat(chunks).toString('utf8'))
      else reject(tooLarge(`the request body is larger than ${MAX_JSON_BYTES} bytes`))
    })
    request.once('error', broken)
    request.once('close', broken)
  })
}
