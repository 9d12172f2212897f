/** Prepares added files: checks them, finds what can be resumed, and mints the others together. */
import type { ClientDependencies } from '../dependencies.ts'
import { reservedDurationOf } from '../duration/reserved-duration.ts'
import { type CallerLimits, readCallerLimits } from '../gateway/caller-limits.ts'
import type { Upload } from '../gateway/upload.ts'
import { type PreparedUpload, prepareUpload } from '../prepare-upload.ts'
import { tryHold } from '../resume/web-locks.ts'
import { isStream } from '../sources/open-source.ts'
import { lockNameOf } from '../upload-file.ts'
import { fileError, reservationWithin } from './check-limits.ts'
import type { Entry, StoredUpload } from './entry.ts'
import { mintBatch } from './mint-batch.ts'

/** Videos that are measured at the same time. */
const MAX_MEASURED = 4

/** Number and interval in milliseconds of the checks what another tab mints. A full storage never tells it. */
const MAX_CHECKS = 40
const CHECK_INTERVAL_MS = 250

/** What a batch reports to the queue, also of an entry that is not wanted any more. */
export interface BatchHost {
  /** Whether the entry is still to be prepared: neither paused nor removed. */
  readonly isWanted: (entry: Entry) => boolean
  /** Returns the upload of this file that was begun before a reload; null without one. */
  readonly takeOver: (prepared: PreparedUpload) => StoredUpload | null
  /** The entry can run. Null: nothing was minted yet, or the state of the upload is not known. */
  readonly ready: (
    entry: Entry,
    prepared: PreparedUpload,
    stored: StoredUpload | null,
    upload: Upload | null,
  ) => void
  readonly failed: (entry: Entry, error: unknown) => void
}

/** A file whose upload has to be minted. The batch holds its lock. */
interface Fresh {
  readonly entry: Entry
  readonly prepared: PreparedUpload
  readonly release: () => void
}

/** Returns when each entry was reported, or is not wanted any more. Never rejects. */
export async function prepareBatch(
  dependencies: ClientDependencies,
  entries: readonly Entry[],
  host: BatchHost,
  signal: AbortSignal,
): Promise<void> {
  let left = await prepareEntries(dependencies, entries, host, false)
  await mintFresh(dependencies, left.fresh, host, signal)
  // As soon as the other upload is known, this queue mints none, even if the other one ends first.
  for (let checks = 1; left.locked.length > 0; checks += 1) {
    const wanted = left.locked.filter(host.isWanted)
    left = await prepareEntries(dependencies, wanted, host, checks === MAX_CHECKS)
    // The other tab minted nothing: the next batch does.
    for (const { release } of left.fresh) release()
    if (left.locked.length > 0) await dependencies.clock.wait(CHECK_INTERVAL_MS, signal)
  }
}

async function mintFresh(
  dependencies: ClientDependencies,
  fresh: readonly Fresh[],
  host: BatchHost,
  signal: AbortSignal,
): Promise<void> {
  if (fresh.length === 0) return
  try {
    const limits = await readCallerLimits(dependencies)
    const reserved = await reserveAll(checkFiles(fresh, limits, host), limits, host)
    const tasks = reserved.map(({ entry, prepared, release }) => ({
      prepared,
      isWanted: () => host.isWanted(entry),
      requested(request: Promise<unknown>) {
        entry.finding = request
      },
      minted(upload: Upload, stored: StoredUpload['upload']) {
        release()
        const { key } = prepared
        host.ready(entry, { ...prepared, minted: stored }, { key, upload: stored }, upload)
      },
      failed(error: unknown) {
        release()
        host.failed(entry, error)
      },
    }))
    await mintBatch(dependencies, tasks, signal)
  } finally {
    for (const { release } of fresh) release()
  }
}

/** Returns what has to be minted, and the entries whose upload another tab, or another entry, may be minting. */
async function prepareEntries(
  dependencies: ClientDependencies,
  entries: readonly Entry[],
  host: BatchHost,
  isLast: boolean,
): Promise<{ readonly fresh: readonly Fresh[]; readonly locked: readonly Entry[] }> {
  const found = await Promise.all(
    entries.map((entry) => {
      const file = prepareEntry(dependencies, entry, host, isLast)
      entry.finding = file
      return file
    }),
  )
  return {
    fresh: found.filter((file) => file !== null && file !== 'locked'),
    locked: entries.filter((_entry, index) => found[index] === 'locked'),
  }
}

/**
 * Returns null if nothing has to be minted: the file is invalid, can be resumed, or is uploaded by another tab.
 * @param isLast an entry whose lock is held is ready, though its upload is not known
 */
async function prepareEntry(
  dependencies: ClientDependencies,
  entry: Entry,
  host: BatchHost,
  isLast: boolean,
): Promise<Fresh | 'locked' | null> {
  const { source, options } = entry
  if (source === null) return null
  try {
    // A stream may never have a byte. Other files are read to their end, which tells what the upload of one is.
    const signal = isStream(source) ? entry.removal.signal : undefined
    // A file that was paused in an earlier batch is open.
    entry.prepared ??= await prepareUpload(dependencies, source, { ...options, signal })
    const checked = entry.prepared
    const known = entry.stored ?? host.takeOver(checked)
    const prepared = { ...checked, key: known?.key ?? checked.key }
    const release = await tryHold(dependencies.locks, lockNameOf(prepared))
    const upload = await dependencies.resumeStore.get(prepared.key)
    if (release !== null && upload === null) return { entry, prepared, release }
    release?.()
    if (upload === null && !isLast) return 'locked'
    const stored = upload === null ? null : { key: prepared.key, upload }
    host.ready(entry, { ...prepared, minted: upload }, stored, null)
  } catch (error) {
    host.failed(entry, error)
  }
  return null
}

function checkFiles(
  files: readonly Fresh[],
  limits: CallerLimits | null,
  host: BatchHost,
): readonly Fresh[] {
  if (limits === null) return files
  let accepted = 0
  return files.filter(({ entry, prepared, release }) => {
    const error = fileError(prepared.file, limits, accepted)
    if (error === null) {
      accepted += 1
      return true
    }
    release()
    host.failed(entry, error)
    return false
  })
}

/** Returns the files with the seconds to reserve, in the same order; without those that are too long. */
async function reserveAll(
  files: readonly Fresh[],
  limits: CallerLimits | null,
  host: BatchHost,
): Promise<readonly Fresh[]> {
  const reserved = new Map<Fresh, PreparedUpload>()
  async function reserve(file: Fresh): Promise<void> {
    const { entry, prepared, release } = file
    const duration = await reservedDurationOf(prepared.file, prepared.options)
    const outcome = limits === null ? duration.seconds : reservationWithin(duration, limits)
    if (typeof outcome === 'number') reserved.set(file, { ...prepared, reservedSeconds: outcome })
    else {
      release()
      host.failed(entry, outcome)
    }
  }
  // The workers share one iterator.
  const rest = files.values()
  const workers = Array.from({ length: MAX_MEASURED }, async () => {
    for (const file of rest) await reserve(file)
  })
  await Promise.all(workers)
  return files.flatMap((file) => {
    const prepared = reserved.get(file)
    return prepared === undefined ? [] : [{ ...file, prepared }]
  })
}
