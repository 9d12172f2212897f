/** Frees the bytes of tus uploads that have expired: nobody can complete them. Their videos stay. */
import type { Clock } from '../clock.ts'
import type { UploadLocks } from './upload-locks.ts'
import type { VideoFiles } from './video-files.ts'
import type { VideoLibrary } from './video-library.ts'
import { hasExpired } from './video.ts'

interface ExpiryDependencies {
  readonly clock: Clock
  readonly files: VideoFiles
  readonly library: VideoLibrary
  readonly uploadLocks: UploadLocks
}

export class ExpiredUploads {
  readonly #dependencies: ExpiryDependencies
  /** Uploads that expired until this time are freed, or are being sent. */
  #freedUntil = 0

  constructor(dependencies: ExpiryDependencies) {
    this.#dependencies = dependencies
  }

  /** Frees all that have expired since the last call. The request that sends one frees it at its end. */
  async free(): Promise<void> {
    const { clock, files, library, uploadLocks } = this.#dependencies
    const now = clock.now()
    // The clock may have been reset.
    const after = Math.min(this.#freedUntil, now)
    this.#freedUntil = now
    for (const uid of library.expiredTusUploads(after, now)) {
      const release = files.stored.of(uid) === 0 ? null : uploadLocks.tryAcquire(uid)
      if (release === null) continue
      try {
        await this.freeIfExpired(uid)
      } finally {
        release()
      }
    }
  }

  /** The caller must hold the lock of the upload. A renewed upload URL starts at offset 0. */
  async freeIfExpired(uid: string): Promise<void> {
    const { clock, files, library } = this.#dependencies
    const video = library.find(uid)
    if (video !== null && hasExpired(video, clock.now())) await files.truncate(uid, 0)
  }
}
