/** Copies Stream's identifier of a video. */
import { useState } from 'preact/hooks'
import { Icon } from './icon.tsx'

const SHOWN_MS = 2000

export function CopyUid({ uid, name }: { readonly uid: string; readonly name: string }) {
  const [isCopied, setCopied] = useState(false)
  async function copy(): Promise<void> {
    // A page without TLS has no clipboard.
    await navigator.clipboard?.writeText(uid)
    setCopied(true)
    setTimeout(() => setCopied(false), SHOWN_MS)
  }
  const words = isCopied ? 'Copied' : 'Copy uid'
  return (
    <button
      type="button"
      class="icon-only"
      onClick={() => void copy()}
      aria-label={`${words} of ${name}`}
      title={`${words} ${uid}`}
    >
      <Icon name={isCopied ? 'done' : 'copy'} />
    </button>
  )
}
