/** Saves an upload in its current state without history, as the adapter reads it. */
import { drizzle } from 'drizzle-orm/node-postgres'
import { uploads } from '../../src/store/postgres/tables.ts'
import { reservationValues } from '../../src/store/postgres/reserve.ts'
import { updatedValues } from '../../src/store/updated-columns.ts'
import type { Postgres } from '../../src/postgres/connection-pool.ts'
import type { Upload } from '../../src/uploads/upload.ts'
import { reservationOf } from '../kit/samples.ts'

export async function saveUpload({ pool }: Postgres, upload: Upload): Promise<void> {
  const { uid, uploadURL, creator, name, meta, constraints, protocol } = upload
  const id = `id-of-${uid}`
  const reservation = reservationOf({ id, creator, name, meta, constraints, protocol })
  const quotaUsage = { reservedSeconds: 0, storedSeconds: 0 }
  const row = {
    ...reservationValues(reservation),
    ...updatedValues({ upload, event: null, quotaUsage, pollAt: null, callback: null }),
    uid,
    uploadURL,
    idleChecks: 0,
  }
  await drizzle({ client: pool })
    .insert(uploads)
    .values(row)
    .onConflictDoUpdate({ target: uploads.id, set: row })
}
