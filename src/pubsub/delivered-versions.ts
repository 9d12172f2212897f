/** Newest delivered version of each upload. Prevents duplicate and out-of-order deliveries. */

export interface DeliveredVersions {
  /** Returns true and records the version if it is newer than the last recorded one. */
  markIfNewer(uid: string, version: number): boolean
  /** Like `markIfNewer`, without recording the version. */
  isNewer(uid: string, version: number): boolean
  /** Deletes versions recorded before the previous call. */
  rotate(): void
}

export function createDeliveredVersions(): DeliveredVersions {
  let recent = new Map<string, number>()
  let older = new Map<string, number>()

  const isNewer = (uid: string, version: number): boolean =>
    version > (recent.get(uid) ?? older.get(uid) ?? -1)

  return {
    isNewer,
    markIfNewer(uid, version) {
      if (!isNewer(uid, version)) return false
      recent.set(uid, version)
      return true
    },
    rotate() {
      older = recent
      recent = new Map()
    },
  }
}
