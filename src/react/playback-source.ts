/** The addresses of one video, renewed while they are used. */
import type { Playback, PlaybackOptions, UploadClient, UploadError } from '../client/client.ts'
import { toUploadError } from '../client/upload-error.ts'
import { type Source, createSource } from './source.ts'

/** What `usePlayback` returns. */
export interface UsePlaybackResult {
  /** Null until the addresses are known, and when the video cannot be played. */
  readonly playback: Playback | null
  /** Whether there are neither addresses nor an error yet, and the video may be played. */
  readonly isLoading: boolean
  /** Why the addresses could not be renewed; null otherwise. They are requested again. */
  readonly error: UploadError | null
}

/** The result before the first response. */
export const LOADING_PLAYBACK: UsePlaybackResult = { playback: null, isLoading: true, error: null }

/** Milliseconds until the addresses are requested again, after the retries of the client failed. */
const RETRY_MS = 30_000

export function createPlaybackSource(
  client: UploadClient,
  uid: string,
  options: Omit<PlaybackOptions, 'signal'>,
): Source<UsePlaybackResult> {
  return createSource(LOADING_PLAYBACK, (set) => {
    const stopping = new AbortController()
    const { signal } = stopping

    async function renew(): Promise<void> {
      let playback: Playback | null = null
      for (;;) {
        try {
          for await (playback of client.playback(uid, { ...options, signal }))
            set({ playback, isLoading: false, error: null })
          // The addresses of a public video are sent once, and remain.
          if (playback?.token !== null) set({ playback: null, isLoading: false, error: null })
          return
        } catch (error) {
          if (signal.aborted) return
          set({ playback, isLoading: false, error: toUploadError(error) })
          await wait(RETRY_MS, signal)
          if (signal.aborted) return
        }
      }
    }

    void renew()
    return () => stopping.abort()
  })
}

/** Resolves after so many milliseconds, or on abort. */
function wait(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, milliseconds)
    signal.addEventListener('abort', end)
  })
}
