/** Detects that the server accepts writes again, even without write requests. */
import { createHash, randomBytes } from 'node:crypto'
import type { Postgres } from '../../postgres/connection-pool.ts'
import type { Statements } from './statements.ts'

/** Milliseconds between two attempts: `/readyz` is public. */
const PAUSE_MS = 1000
/** No video has an empty uid. */
const PROBE_UID = ''
/** Larger than the rows of one upload. Random bytes, because PostgreSQL compresses large values. */
const PROBE_BYTES = 24 * 1024

/**
 * Returns a probe that resolves if the server responds and the last write did not fail because the
 * server is read-only or its disk is full. After such a failure, it tries a write, at most once a
 * second, and throws until one succeeds. Needed because a load balancer sends no writes to a gateway
 * that is not ready.
 */
export function createWriteProbe(
  postgres: Postgres,
  statements: Pick<Statements, 'saveUnmatchedWebhook' | 'deleteUnmatchedWebhooks'>,
): () => Promise<void> {
  const { pool, run } = postgres
  let lastAttemptAt = Number.NEGATIVE_INFINITY

  /** Inserts a row and deletes it. A row left by a crash is deleted after a day. */
  async function tryWrite(): Promise<void> {
    const body = randomBytes(PROBE_BYTES).toString('base64')
    const digest = createHash('sha256').update(body).digest('hex')
    const row = { uid: PROBE_UID, digest, body, receivedAt: new Date() }
    await run(() => statements.saveUnmatchedWebhook.execute(row))
    await run(() => statements.deleteUnmatchedWebhooks.execute({ uid: PROBE_UID }))
    postgres.clearWriteFailure()
  }

  return async () => {
    await run(() => pool.query('select 1'))
    const failure = postgres.writeFailure()
    if (failure === null) return
    const now = performance.now()
    if (now - lastAttemptAt < PAUSE_MS) throw failure
    lastAttemptAt = now
    await tryWrite()
  }
}
