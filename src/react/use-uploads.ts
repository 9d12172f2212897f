/** Hook: the files that this page uploads. */
import { useMemo } from 'react'
import type { QueueFileOptions, QueuedUpload, UploadSource } from '../client/client.ts'
import { openQueue, queueSource } from './client-queue.ts'
import { useSource } from './source.ts'
import { useProvidedClient } from './upload-client-provider.ts'
import { useLatest } from './use-latest.ts'

/** What `useUploads` returns. All functions keep their identity, and take the `id` of a file in `uploads`. */
export interface UseUploadsResult {
  /**
   * All files, oldest first, with their `state`, progress, and typed `error`. `upload` has the result of a file whose
   * state is `ready`. After a reload, a file in the state `needs-file` resumes when `add` gets it again.
   */
  readonly uploads: readonly QueuedUpload[]
  /**
   * Adds files, such as `event.target.files`, and returns their ids. Settings of the hook hold for all of them; those
   * given here, for each of these files or by a function of the file, replace them one by one.
   */
  readonly add: (
    files: Iterable<UploadSource> | null,
    settings?: QueueFileOptions | ((file: UploadSource) => QueueFileOptions),
  ) => readonly string[]
  /** Stops an upload until `resume`; another file takes its place. */
  readonly pause: (id: string) => void
  readonly resume: (id: string) => void
  /** Uploads a failed file again; it resumes where that is possible. */
  readonly retry: (id: string) => void
  /**
   * Stops an upload, deletes it at the gateway, and removes the file from the list. A READY video is kept. Never
   * rejects: if the upload could not be deleted, the file is listed again, as failed.
   */
  readonly cancel: (id: string) => Promise<void>
  /** Removes a file from the list. An unfinished upload stops, and adding the file again resumes it. */
  readonly remove: (id: string) => void
}

/**
 * Uploads files, a few at a time, and renders the component again while they progress. All components below a provider
 * share one list of files, so that any of them can show it. One failing file stops no other.
 * @param settings of the files that this component adds, such as `requireSignedURLs`; may be a new object in each
 * render
 * @example
 * const { uploads, add } = useUploads()
 * return (
 *   <>
 *     <input type="file" multiple onChange={(event) => add(event.target.files)} />
 *     {uploads.map(({ id, name, fraction }) => <progress key={id} title={name ?? ''} value={fraction} />)}
 *   </>
 * )
 */
export function useUploads(settings: QueueFileOptions = {}): UseUploadsResult {
  const { client, concurrency } = useProvidedClient()
  const latest = useLatest(settings)
  const source = useMemo(() => queueSource(client, concurrency), [client, concurrency])
  const commands = useMemo(() => {
    const queue = () => openQueue(client, concurrency)
    return {
      add: (files, own = {}) =>
        queue().add(files ?? [], (file) => ({
          ...latest.current,
          ...(typeof own === 'function' ? own(file) : own),
        })),
      pause: (id) => queue().pause(id),
      resume: (id) => queue().resume(id),
      retry: (id) => queue().retry(id),
      // The error is in the list.
      cancel: (id) =>
        queue()
          .cancel(id)
          .catch(() => {}),
      remove: (id) => queue().remove(id),
    } satisfies Omit<UseUploadsResult, 'uploads'>
  }, [client, concurrency, latest])
  return { uploads: useSource(source), ...commands }
}
