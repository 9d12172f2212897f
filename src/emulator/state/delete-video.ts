/** Permanently deletes videos, by the API, by `scheduledDeletion` or by a reset, and files that are not needed. */
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

/** Deletes the videos whose `scheduledDeletion` has passed, and the bytes of uploads that have expired. */
export async function deleteDue(
  dependencies: DeletionDependencies & Pick<EmulatorDependencies, 'clock' | 'expiredUploads'>,
): Promise<void> {
  for (const uid of dependencies.library.uidsDueForDeletion(dependencies.clock.now())) {
    await deleteVideo(dependencies, uid)
  }
  await dependencies.expiredUploads.free()
}

/** Removes files of deleted and failed videos: the process may have ended before it removed them. */
export async function removeUnneededFiles(dependencies: DeletionDependencies): Promise<void> {
  for (const uid of dependencies.files.stored.uids()) {
    if (!dependencies.library.needsFile(uid)) await removeFiles(dependencies, uid)
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
