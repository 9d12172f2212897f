/** Storage gauge: stored, reserved and available minutes. */
import { useQuery } from '@urql/preact'
import { STORAGE, type StorageData } from '../data/documents.ts'
import { formatMinutes } from '../format.ts'

export function StorageGauge() {
  const [{ data, error }] = useQuery<StorageData>({ query: STORAGE })
  const usage = data?.storageUsage ?? null
  return (
    <section class="card storage" aria-labelledby="storage-title">
      <h2 id="storage-title">Storage</h2>
      {usage === null ? (
        <p class="muted">{error === undefined ? 'Loading…' : 'Storage usage is unavailable.'}</p>
      ) : (
        <Usage {...usage} />
      )}
    </section>
  )
}

function Usage({
  storedMinutes,
  reservedMinutes,
  availableMinutes,
  limitMinutes,
  videoCount,
}: StorageData['storageUsage']) {
  const total = limitMinutes ?? Math.max(1, storedMinutes + reservedMinutes)
  const share = (minutes: number) => ({ '--share': String(Math.min(1, minutes / total)) })
  return (
    <>
      <p class="storage-free">
        {availableMinutes === null ? (
          <>No known limit</>
        ) : (
          <>
            <strong>{Math.floor(Math.max(0, availableMinutes)).toLocaleString('en')}</strong>{' '}
            minutes free
          </>
        )}
      </p>
      {/* The list below has the same values as text. */}
      <div class="storage-bar" aria-hidden="true">
        {storedMinutes > 0 && <span class="stored" style={share(storedMinutes)} />}
        {reservedMinutes > 0 && <span class="reserved" style={share(reservedMinutes)} />}
      </div>
      <dl class="storage-facts">
        <div>
          <dt>
            <span class="swatch stored" aria-hidden="true" />
            Stored
          </dt>
          <dd>{formatMinutes(storedMinutes)}</dd>
        </div>
        <div>
          <dt>
            <span class="swatch reserved" aria-hidden="true" />
            Reserved
          </dt>
          <dd>{formatMinutes(reservedMinutes)}</dd>
        </div>
        <div>
          <dt>Videos</dt>
          <dd>{videoCount.toLocaleString('en')}</dd>
        </div>
        {limitMinutes !== null && (
          <div>
            <dt>Limit</dt>
            <dd>{formatMinutes(limitMinutes)}</dd>
          </div>
        )}
      </dl>
      <p class="storage-note muted small">
        Reserved minutes are released when the video is ready, fails or is deleted.
      </p>
    </>
  )
}
