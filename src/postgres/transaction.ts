/** Runs statements in one transaction on a connection of the pool. */
import type { Pool, PoolClient } from 'pg'

/** A broken connection makes the next statement fail; an unhandled `error` event would end the process. */
function ignoreConnectionError(): void {}

/** Commits when `work` resolves. When it rejects, closes the connection, which also ends the transaction. */
export async function withTransaction<T>(
  pool: Pool,
  work: (client: PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect()
  client.on('error', ignoreConnectionError)
  let failure: Error | undefined
  try {
    await client.query('begin isolation level read committed')
    const result = await work(client)
    await client.query('commit')
    return result
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error))
    throw error
  } finally {
    client.off('error', ignoreConnectionError)
    client.release(failure)
  }
}
