/** Hook: addresses that play a video. */
import { useEffect, useState } from 'preact/hooks'
import type { Playback, UploadClient } from '../../client/client.ts'

/**
 * How long an address works, in seconds: Stream's maximum. A player cannot change its address without a stop,
 * and a video can last ten hours.
 */
const TTL_SECONDS = 86_400
/** An address is replaced when less than this is left, in milliseconds. */
const REPLACED_BEFORE_MS = 8 * 3_600_000

/**
 * Returns the addresses; null until they are known, and if the video cannot be played.
 * @param uid null for no video
 */
export function usePlayback(client: UploadClient, uid: string | null): Playback | null {
  const [playback, setPlayback] = useState<Playback | null>(null)
  useEffect(() => {
    setPlayback(null)
    if (uid === null) return () => {}
    const controller = new AbortController()
    const { signal } = controller
    const renew = async (): Promise<void> => {
      try {
        for await (const next of client.playback(uid, { ttlSeconds: TTL_SECONDS, signal }))
          setPlayback((shown) => (shown === null || expiresSoon(shown) ? next : shown))
      } catch {
        // The addresses so far remain: the page was closed, or the gateway does not respond.
      }
    }
    void renew()
    return () => controller.abort()
  }, [client, uid])
  return playback
}

function expiresSoon({ expiresAt }: Playback): boolean {
  return expiresAt !== null && Date.parse(expiresAt) - Date.now() < REPLACED_BEFORE_MS
}
