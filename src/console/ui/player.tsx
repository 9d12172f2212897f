/** Dialog that plays a finished video. */
import { useEffect, useRef } from 'preact/hooks'
import type { UploadClient } from '../../client/client.ts'
import type { Row } from '../rows/row.ts'
import { Icon } from './icon.tsx'
import { usePlayback } from './use-playback.ts'

/** Hosts of Stream. Any other is the emulator, which also has an address of the received file. */
const STREAM_HOST = /\.(?:cloudflarestream\.com|videodelivery\.net)$/

interface PlayerProps {
  readonly row: Row
  readonly client: UploadClient
  readonly onClose: () => void
}

export function Player({ row, client, onClose }: PlayerProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  // The browser's modal dialog traps the focus, closes with Escape and restores the focus.
  useEffect(() => dialog.current?.showModal(), [])
  const playback = usePlayback(client, row.uid)
  return (
    <dialog ref={dialog} class="player" aria-labelledby="player-title" onClose={onClose}>
      <div class="dialog-top">
        <h2 id="player-title">{row.name}</h2>
        <button
          type="button"
          class="icon-only"
          aria-label="Close the player"
          onClick={() => dialog.current?.close()}
        >
          <Icon name="cancel" />
        </button>
      </div>
      <div class="screen">
        {playback === null && <p role="alert">This video cannot be played now.</p>}
        {playback && <Screen url={playback.iframeURL} name={row.name} />}
      </div>
    </dialog>
  )
}

function Screen({ url, name }: { readonly url: string; readonly name: string }) {
  const { hostname } = new URL(url)
  if (!STREAM_HOST.test(hostname)) {
    return <video src={url.replace(/\/iframe$/, '/video')} controls autoplay playsInline />
  }
  return (
    <iframe
      src={url}
      title={name}
      allow="autoplay; encrypted-media; fullscreen; picture-in-picture"
      // Stream checks `allowedOrigins` by this header.
      referrerPolicy="origin"
    />
  )
}
