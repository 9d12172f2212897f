/** Fills a PostgreSQL database with many rows by SQL. */
import { Client } from 'pg'
import type { RowStatus } from '../../src/store/row-status.ts'
import type { Filling } from './fill-store.ts'

/**
 * Adds basic uploads of one status, or reservations when the status is one of theirs. `filled-1` is
 * the oldest, and each other row was created a second after the one before. Triggers update the
 * totals.
 */
export async function fillPostgres(
  url: string,
  { uploads, creators, newest, status }: Filling & { readonly status: RowStatus },
): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(
      `insert into uploads (id, protocol, creator, meta, max_duration_seconds, max_size_bytes, allowed_origins,
        require_signed_urls, expires_at, created_at, requested_by, fingerprint, uid, upload_url, status, version,
        updated_at, received, reserved_seconds, stored_seconds, idle_checks)
      select 'filled-' || there + n, 'BASIC', 'creator-' || n % $2, '{}', 60, 200000000, '[]', false, at, at,
        'creator-' || n % $2, '', case when is_upload then 'uid-' || there + n end,
        case when is_upload then 'https://upload.example.com/' || there + n end, $4, 1, at, false, 0, 0, 0
      from (select count(*) as there, $4 not in ('RESERVED', 'RETIRED') as is_upload from uploads) as state,
        generate_series(1, $1::integer) as n,
        lateral (select $3::timestamptz - ($1 - n) * interval '1 second' as at) as made`,
      [uploads, creators, newest.toISOString(), status],
    )
  } finally {
    await client.end()
  }
}
