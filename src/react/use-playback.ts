/** Hook: addresses that play a video. */
import { useMemo } from 'react'
import type { PlaybackOptions } from '../client/client.ts'
import { playbackSource } from './client-sources.ts'
import { LOADING_PLAYBACK, type UsePlaybackResult } from './playback-source.ts'
import { constantSource, useSource } from './source.ts'
import { useUploadClient } from './upload-client-provider.ts'

/** The maximum of Stream, because a player stops when its address changes. */
const DEFAULT_TTL_SECONDS = 86_400

/** The result without a uid. */
const NO_PLAYBACK = constantSource({ ...LOADING_PLAYBACK, isLoading: false })

/**
 * Returns the addresses of a READY video, and new ones before those of a private video expire.
 *
 * Most players start again when their address changes, so each address works for a day by default, and is replaced
 * after 6 hours at the earliest. A smaller `ttlSeconds` replaces it after a quarter of that time. Equal calls share
 * their requests. Errors are in the result: the hook does not throw, and does not suspend.
 * @param uid Stream's identifier of the video; null for none. Pass null until the upload is READY: the addresses of a
 * video that cannot be played are requested once.
 * @example
 * const { upload } = useUpload(uid)
 * const { playback } = usePlayback(upload?.status === 'READY' ? uid : null)
 * return playback && <iframe src={playback.iframeURL} allowFullScreen />
 */
export function usePlayback(
  uid: string | null,
  { ttlSeconds = DEFAULT_TTL_SECONDS, downloadable = false }: Omit<PlaybackOptions, 'signal'> = {},
): UsePlaybackResult {
  const client = useUploadClient()
  const source = useMemo(
    () => (uid === null ? NO_PLAYBACK : playbackSource(client, uid, { ttlSeconds, downloadable })),
    [client, uid, ttlSeconds, downloadable],
  )
  return useSource(source)
}
