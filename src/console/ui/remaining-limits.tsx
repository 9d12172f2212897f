/** What a caller with a limited token may still upload, such as a guest with a link; the storage gauge shows its quota. */
import type { CallerLimits, MeData } from '../data/documents.ts'
import { formatBytes, formatDuration } from '../format.ts'

interface RemainingLimitsProps {
  readonly me: MeData['me']
}

export function RemainingLimits({ me: { limits } }: RemainingLimitsProps) {
  const { remainingUploads, maxDurationSeconds, maxSizeBytes, createsPerMinute } = limits
  return (
    <section class="card limits" aria-labelledby="limits-title">
      <h2 id="limits-title">What is left</h2>
      {remainingUploads !== null && (
        <p class="storage-free">
          <strong>{remainingUploads.toLocaleString('en')}</strong>{' '}
          {remainingUploads === 1 ? 'upload' : 'uploads'} with this link
        </p>
      )}
      <dl class="storage-facts">
        <Fact name="Longest video" value={formatDuration(maxDurationSeconds)} />
        <Fact name="Largest file" value={formatBytes(maxSizeBytes)} />
        <Fact name="Uploads per minute" value={createsPerMinute.toLocaleString('en')} />
      </dl>
    </section>
  )
}

function Fact({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  )
}

/** Limits of Stream: a caller that has them is not limited by its token. */
const MAX_SECONDS = 36_000
const MAX_BYTES = 30_000_000_000

/** Whether the token limits its caller. The quota is not considered: the storage gauge shows it. */
export function isLimited({
  remainingUploads,
  maxDurationSeconds,
  maxSizeBytes,
}: CallerLimits): boolean {
  return remainingUploads !== null || maxDurationSeconds < MAX_SECONDS || maxSizeBytes < MAX_BYTES
}
