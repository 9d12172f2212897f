/** Remembers which version of each upload was told lately, so that none is told twice or out of order. */

export interface Sightings {
  /** True where this version is newer than what was told lately; it counts as told from then on. */
  isNews(uid: string, version: number): boolean
  /** The same, of a version that is not told yet. */
  wouldBeNews(uid: string, version: number): boolean
  /** Forgets what was told before the last call of this. */
  age(): void
}

export function createSightings(): Sightings {
  let recent = new Map<string, number>()
  let older = new Map<string, number>()

  const wouldBeNews = (uid: string, version: number): boolean =>
    version > (recent.get(uid) ?? older.get(uid) ?? -1)

  return {
    wouldBeNews,
    isNews(uid, version) {
      if (!wouldBeNews(uid, version)) return false
      recent.set(uid, version)
      return true
    },
    age() {
      older = recent
      recent = new Map()
    },
  }
}
