/** Dialog that plays a finished video. */
import { useEffect, useRef } from 'preact/hooks'
import type { Row } from '../rows/row.ts'
import { Icon } from './icon.tsx'

/** Hosts of Stream. Any other is the emulator, which also has an address of the received file. */
const STREAM_HOST = /\.(?:cloudflarestream\.com|videodelivery\.net)$/

/** Whether this page can play the video: not if it requires a signed token. */
export function isPlayable({ state, upload }: Row): boolean {
  const url = upload?.video?.previewURL ?? null
  return state === 'ready' && url !== null && upload?.constraints.requireSignedURLs === false
}

export function Player({ row, onClose }: { readonly row: Row; readonly onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null)
  // The browser's modal dialog traps the focus, closes with Escape and restores the focus.
  useEffect(() => dialog.current?.showModal(), [])
  const url = row.upload?.video?.previewURL ?? null
  return (
    <dialog ref={dialog} class="player" aria-labelledby="player-title" onClose={onClose}>
      <div class="player-top">
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
      {url !== null && <Preview url={url} name={row.name} />}
    </dialog>
  )
}

function Preview({ url, name }: { readonly url: string; readonly name: string }) {
  const { hostname } = new URL(url)
  if (!STREAM_HOST.test(hostname)) {
    return <video src={url.replace(/\/watch$/, '/video')} controls autoplay playsInline />
  }
  return (
    <iframe
      src={url.replace(/\/watch$/, '/iframe')}
      title={name}
      allow="autoplay; encrypted-media; fullscreen; picture-in-picture"
      // Stream checks `allowedOrigins` by this header.
      referrerPolicy="origin"
    />
  )
}
