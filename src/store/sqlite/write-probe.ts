/** Detects that writes succeed again, even without write requests. */
import { sqliteFailureOf } from './failures.ts'
import type { GroupCommit } from './group-commit.ts'
import type { Prepared } from './prepared-statements.ts'
import type { defineStatements } from './statements.ts'

/** Milliseconds between two attempts: `/readyz` is public, and each attempt waits for the disk. */
const PAUSE_MS = 1000
/** No video has an empty uid. */
const PROBE_UID = ''
/** Length in characters. With its index and WAL entries, larger than the writes of one upload. */
const PROBE_BODY = 'x'.repeat(32 * 1024)

type ProbeStatements = Pick<
  Prepared<ReturnType<typeof defineStatements>>,
  'saveUnmatchedWebhook' | 'deleteUnmatchedWebhooks'
>

/**
 * Returns a probe that resolves if the last write succeeded. After a failure of the file or its disk, it
 * tries a write, at most once a second. It throws `StoreUnavailable` until a write succeeds. Needed because a
 * load balancer sends no writes to a gateway that is not ready.
 */
export function createWriteProbe(
  commits: GroupCommit,
  statements: ProbeStatements,
  now: () => number = () => performance.now(),
): () => Promise<void> {
  let lastAttemptAt = Number.NEGATIVE_INFINITY

  /** Inserts a row and deletes it. A row left by a crash is deleted after a day. */
  async function tryWrite(): Promise<void> {
    const row = { uid: PROBE_UID, body: PROBE_BODY, receivedAt: Date.now() }
    await commits.write(() => statements.saveUnmatchedWebhook.run(row))
    await commits.write(() => statements.deleteUnmatchedWebhooks.run({ uid: PROBE_UID }))
  }

  return async () => {
    const failure = commits.failure()
    if (failure === null) return
    // A damaged file is not written: restore a backup and restart the gateway.
    if (sqliteFailureOf(failure) === 'damaged' || now() - lastAttemptAt < PAUSE_MS) throw failure
    lastAttemptAt = now()
    await tryWrite()
  }
}
