/** Permanently deletes videos: by the API, by `scheduledDeletion`, or by a reset. */
import type { EmulatorDependencies } from '../dependencies.ts'

/** Deletes a video and its file; its upload URL becomes invalid. False for an unknown uid. */
export async function deleteVideo(
  dependencies: Pick<EmulatorDependencies, 'files' | 'library'>,
  uid: string,
): Promise<boolean> {
  const existed = dependencies.library.remove(uid)
  if (existed) await dependencies.files.remove(uid)
  return existed
}

/** Deletes the videos whose `scheduledDeletion` has passed. */
export async function deleteScheduled(
  dependencies: Pick<EmulatorDependencies, 'clock' | 'files' | 'library'>,
): Promise<void> {
  for (const uid of dependencies.library.uidsDueForDeletion(dependencies.clock.now())) {
    await deleteVideo(dependencies, uid)
  }
}

export async function deleteAllVideos(
  dependencies: Pick<EmulatorDependencies, 'files' | 'library'>,
): Promise<void> {
  await Promise.all(dependencies.library.removeAll().map((uid) => dependencies.files.remove(uid)))
}
