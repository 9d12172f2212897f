/** Plays a finished video over the page. */
import { useEffect, useRef } from 'preact/hooks'
import type { Row } from '../rows/row.ts'
import { Icon } from './icon.tsx'

/** Hosts of Stream, whose previews are pages of their own; anything else is an emulator's file. */
const STREAM_HOST = /\.(?:cloudflarestream\.com|videodelivery\.net)$/

/** Whether it can be watched here: what needs a signed token cannot. */
export function isPlayable({ state, upload }: Row): boolean {
  const address = upload?.video?.previewURL ?? null
  return state === 'ready' && address !== null && upload?.constraints.requireSignedURLs === false
}

export function Player({ row, onClose }: { readonly row: Row; readonly onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null)
  // A dialog of the browser keeps the focus inside, closes with Escape, and gives the focus back.
  useEffect(() => dialog.current?.showModal(), [])
  const address = row.upload?.video?.previewURL ?? null
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
      {address !== null && <Picture address={address} name={row.name} />}
    </dialog>
  )
}

function Picture({ address, name }: { readonly address: string; readonly name: string }) {
  const { hostname } = new URL(address)
  if (!STREAM_HOST.test(hostname)) return <video src={address} controls autoplay playsInline />
  return (
    <iframe
      src={address.replace(/\/watch$/, '/iframe')}
      title={name}
      allow="autoplay; encrypted-media; fullscreen; picture-in-picture"
      // Stream lets a video play by the page's host only where it is told the host.
      referrerPolicy="origin"
    />
  )
}
