/** Permanently deletes videos: by the API, by `scheduledDeletion`, or by a reset. */
import type { EmulatorDependencies } from '../dependencies.ts'

type DeletionDependencies = Pick<EmulatorDependencies, 'files' | 'library' | 'renditions'>

/** Deletes a video and its files; its upload URL becomes invalid. False for an unknown uid. */
export async function deleteVideo(
  dependencies: DeletionDependencies,
  uid: string,
): Promise<boolean> {
  const existed = dependencies.library.remove(uid)
  if (existed) await removeFiles(dependencies, uid)
  return existed
}

/** Deletes the videos whose `scheduledDeletion` has passed. */
export async function deleteScheduled(
  dependencies: DeletionDependencies & Pick<EmulatorDependencies, 'clock'>,
): Promise<void> {
  for (const uid of dependencies.library.uidsDueForDeletion(dependencies.clock.now())) {
    await deleteVideo(dependencies, uid)
  }
}

export async function deleteAllVideos(dependencies: DeletionDependencies): Promise<void> {
  await Promise.all(dependencies.library.removeAll().map((uid) => removeFiles(dependencies, uid)))
}

/** Removes the received file last: remuxing reads it. */
async function removeFiles(
  { files, renditions }: DeletionDependencies,
  uid: string,
): Promise<void> {
  await renditions.remove(uid)
  await files.remove(uid)
}
