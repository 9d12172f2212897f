/** Removes a video for good: by the API, by its `scheduledDeletion`, or by a reset. */
import type { EmulatorParts } from '../dependencies.ts'

/** Its URL dies at once and its minutes are free. False when there was no such video. */
export async function deleteVideo(
  parts: Pick<EmulatorParts, 'files' | 'library'>,
  uid: string,
): Promise<boolean> {
  const wasThere = parts.library.remove(uid)
  if (wasThere) await parts.files.remove(uid)
  return wasThere
}

/** Deletes what was scheduled to be deleted by now. */
export async function deleteScheduled(
  parts: Pick<EmulatorParts, 'clock' | 'files' | 'library'>,
): Promise<void> {
  for (const uid of parts.library.uidsDueForDeletion(parts.clock.now())) {
    await deleteVideo(parts, uid)
  }
}

/** Deletes every video. */
export async function deleteAllVideos(
  parts: Pick<EmulatorParts, 'files' | 'library'>,
): Promise<void> {
  await Promise.all(parts.library.removeAll().map((uid) => parts.files.remove(uid)))
}
