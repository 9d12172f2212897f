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
 * Returns the addresses; undefined until they are known, null if the video cannot be played.
 * @param uid null for no video
 */
export function usePlayback(client: UploadClient, uid: string | null): Playback | null | undefined {
  const [playback, setPlayback] = useState<Playback | null | undefined>()
  useEffect(() => {
    setPlayback(undefined)
    if (uid === null) return () => {}
    const controller = new AbortController()
    const { signal } = controller
    const renew = async (): Promise<void> => {
      try {
        for await (const next of client.playback(uid, { ttlSeconds: TTL_SECONDS, signal }))
          setPlayback((shown) => (shown && !expiresSoon(shown) ? shown : next))
      } catch {
        // The page was closed, or the gateway does not respond. Addresses that are known remain.
      }
      if (!signal.aborted) setPlayback((shown) => shown ?? null)
    }
    void renew()
    return () => controller.abort()
  }, [client, uid])
  return playback
}

function expiresSoon({ expiresAt }: Playback): boolean {
  return expiresAt !== null && Date.parse(expiresAt) - Date.now() < REPLACED_BEFORE_MS
}
