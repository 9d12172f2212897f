/** A way from Node to the D1 databases of a Worker: each question is one request to it. */
import { z } from 'zod'
import type { D1Database, D1Statement } from '../../src/store/d1/d1-client.ts'
import type { SqliteValue } from '../../src/store/sqlite/define-statement.ts'

/** What is asked, by the binding's name. */
interface Asked {
  readonly binding: string
  readonly isBatch: boolean
  readonly statements: readonly { readonly source: string; readonly values: SqliteValue[] }[]
}

/**
 * The Worker at the other end. (Miniflare's own bridge asks synchronously, and fails where the machine
 * has much else to do.)
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

/** How the Worker is asked: its `fetch`, with a body. */
export type Dispatch = (body: string) => Promise<{ status: number; json(): Promise<unknown> }>

export function bridgeTo(binding: string, dispatch: Dispatch): D1Database {
  const dependencies = new Map<D1Statement, Asked['statements'][number]>()

  async function ask<T>(asked: Omit<Asked, 'binding'>, shape: z.ZodType<T>): Promise<T> {
    const response = await dispatch(JSON.stringify({ binding, ...asked }))
    const answer = await response.json()
    if (response.status !== 200)
      throw new Error(z.object({ message: z.string() }).parse(answer).message)
    return z.object({ results: shape }).parse(answer).results
  }

  function statement(source: string, values: SqliteValue[]): D1Statement {
    const made: D1Statement = {
      bind: (...given) => statement(source, given),
      raw: () => ask({ isBatch: false, statements: [{ source, values }] }, rows),
    }
    dependencies.set(made, { source, values })
    return made
  }

  return {
    prepare: (source) => statement(source, []),
    batch: (statements) =>
      ask(
        { isBatch: true, statements: statements.flatMap((one) => dependencies.get(one) ?? []) },
        batches,
      ),
  }
}

const rows = z.array(z.array(z.unknown()))
/** With how many rows each statement read, as D1 bills it. */
const batches = z.array(z.object({ results: z.array(z.looseObject({})), rowsRead: z.number() }))
