/** Reads the stored totals of a file, and computes the expected ones from all rows. */
import type { Database } from 'better-sqlite3'

const columns = 'status, protocol, uploads, reserved_seconds, stored_seconds'
const totals =
  'count(uid) uploads, sum(reserved_seconds) reserved_seconds, sum(stored_seconds) stored_seconds'

/** The stored totals. Rows with only zeros are optional, and left out. */
export function storedTotals(connection: Database): unknown[] {
  return connection
    .prepare(`select creator, ${columns} from upload_tallies
      where uploads <> 0 or reserved_seconds <> 0 or stored_seconds <> 0 order by 1, 2, 3`)
    .all()
}

/** Rows without a uid are no uploads, and their seconds are those of PENDING_UPLOAD. */
const status = "iif(uid is null, 'PENDING_UPLOAD', status)"

/** The same from a scan of all uploads. The empty creator stands for all creators. Rows with only zeros are left out. */
export function summedTotals(connection: Database): unknown[] {
  return connection
    .prepare(`select * from (
        select creator, ${status} status, protocol, ${totals} from uploads group by 1, 2, 3
        union all select '', ${status}, protocol, ${totals} from uploads group by 2, 3)
      where uploads <> 0 or reserved_seconds <> 0 or stored_seconds <> 0 order by 1, 2, 3`)
    .all()
}
