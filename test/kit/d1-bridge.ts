/** Access from Node to the D1 databases of a Worker: each query is one request. */
import { z } from 'zod'
import type { D1Database, D1Statement } from '../../src/store/d1/d1-client.ts'
import type { SqliteValue } from '../../src/store/sqlite/define-statement.ts'

/** A query and the name of its binding. */
interface BridgeRequest {
  readonly binding: string
  readonly isBatch: boolean
  readonly statements: readonly { readonly source: string; readonly values: SqliteValue[] }[]
}

/**
 * The Worker that executes the queries. (Miniflare's own bridge is synchronous, and fails on a busy
 * machine.)
 */
export const BRIDGE = `export default {
  async fetch(request, env) {
    const { binding, isBatch, statements } = await request.json()
    const prepared = statements.map(({ source, values }) => env[binding].prepare(source).bind(...values))
    try {
      const results = isBatch
        ? (await env[binding].batch(prepared)).map(({ results, meta }) => ({ results: results ?? [], rowsRead: meta.rows_read }))
        : await prepared[0].raw()
      return Response.json({ results })
    } catch (error) {
      return Response.json({ message: error.message }, { status: 500 })
    }
  },
}`

/** Calls `fetch` of the Worker with a body. */
export type Dispatch = (body: string) => Promise<{ status: number; json(): Promise<unknown> }>

export function bridgeTo(binding: string, dispatch: Dispatch): D1Database {
  const queries = new Map<D1Statement, BridgeRequest['statements'][number]>()

  async function sendRequest<T>(
    request: Omit<BridgeRequest, 'binding'>,
    shape: z.ZodType<T>,
  ): Promise<T> {
    const response = await dispatch(JSON.stringify({ binding, ...request }))
    const body = await response.json()
    if (response.status !== 200)
      throw new Error(z.object({ message: z.string() }).parse(body).message)
    return z.object({ results: shape }).parse(body).results
  }

  function statement(source: string, values: SqliteValue[]): D1Statement {
    const made: D1Statement = {
      bind: (...boundValues) => statement(source, boundValues),
      raw: () => sendRequest({ isBatch: false, statements: [{ source, values }] }, rows),
    }
    queries.set(made, { source, values })
    return made
  }

  return {
    prepare: (source) => statement(source, []),
    batch: (statements) =>
      sendRequest(
        {
          isBatch: true,
          statements: statements.flatMap((batched) => queries.get(batched) ?? []),
        },
        batches,
      ),
  }
}

const rows = z.array(z.array(z.unknown()))
/** With the number of rows that each statement read, as D1 bills it. */
const batches = z.array(z.object({ results: z.array(z.looseObject({})), rowsRead: z.number() }))
