/** Button that copies a video's uid. */
import { useState } from 'preact/hooks'
import { Icon } from './icon.tsx'

const FEEDBACK_MS = 2000

export function CopyUid({ uid, name }: { readonly uid: string; readonly name: string }) {
  const [isCopied, setCopied] = useState(false)
  async function copy(): Promise<void> {
    // Pages without TLS have no clipboard.
    await navigator.clipboard?.writeText(uid)
    setCopied(true)
    setTimeout(() => setCopied(false), FEEDBACK_MS)
  }
  const label = isCopied ? 'Copied' : 'Copy uid'
  return (
    <button
      type="button"
      class="icon-only"
      onClick={() => void copy()}
      aria-label={`${label} of ${name}`}
      title={`${label} ${uid}`}
    >
      <Icon name={isCopied ? 'done' : 'copy'} />
    </button>
  )
}
