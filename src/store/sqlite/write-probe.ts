/** Finds out whether writes succeed again, also where nobody sends any. */
import { sqliteFailureOf } from './failures.ts'
import type { GroupCommit } from './group-commit.ts'
import type { Prepared } from './prepared-statements.ts'
import type { wordStatements } from './statements.ts'

/** Milliseconds between two attempts: anybody may request `/readyz`, and each attempt waits for the disk. */
const PAUSE_MS = 1000
/** No video has an empty uid. */
const PROBE_UID = ''
/** Characters; with its index and its log entry more than what one upload writes. */
const PROBE_BODY = 'x'.repeat(32 * 1024)

type ProbeStatements = Pick<
  Prepared<ReturnType<typeof wordStatements>>,
  'keepNotice' | 'dropNotices'
>

/**
 * Resolves where the last write succeeded. Where it failed for the file or its disk, tries a write, once
 * a second at most, and throws `StoreUnavailable` unless that succeeds. A load balancer sends no writes to
 * a gateway that is not ready, so without this it would never be ready again.
 */
export function createWriteProbe(
  commits: GroupCommit,
  statements: ProbeStatements,
  now: () => number = () => performance.now(),
): () => Promise<void> {
  let triedAt = Number.NEGATIVE_INFINITY

  /** Writes a row and deletes it again; what a crash in between leaves is dropped after a day. */
  async function tryWrite(): Promise<void> {
    const row = { uid: PROBE_UID, body: PROBE_BODY, receivedAt: Date.now() }
    await commits.write(() => statements.keepNotice.run(row))
    await commits.write(() => statements.dropNotices.run({ uid: PROBE_UID }))
  }

  return async () => {
    const failure = commits.failure()
    if (failure === null) return
    // A damaged file is not written to for this: a backup has to be restored, and the gateway restarted.
    if (sqliteFailureOf(failure) === 'damaged' || now() - triedAt < PAUSE_MS) throw failure
    triedAt = now()
    await tryWrite()
  }
}
