/** Goes on with an upload that was interrupted, once its file is chosen again. */
import { useRef, useState } from 'preact/hooks'
import type { Row } from '../rows/row.ts'
import { Icon } from './icon.tsx'

interface ChooseAgainProps {
  readonly row: Row
  readonly onFile: (file: File) => void
}

export function ChooseAgain({ row, onFile }: ChooseAgainProps) {
  const input = useRef<HTMLInputElement>(null)
  const [isOther, setOther] = useState(false)
  const { name, sizeBytes } = row
  return (
    <>
      <button
        type="button"
        class="strong"
        onClick={() => input.current?.click()}
        aria-label={`Choose ${name} again to go on`}
      >
        <Icon name="upload" />
        Choose file
      </button>
      <input
        ref={input}
        hidden
        type="file"
        accept="video/*,.mkv"
        aria-label={`The file of ${name}`}
        onChange={(event) => {
          const [file] = event.currentTarget.files ?? []
          if (file === undefined) return
          const isSame = file.name === name && (sizeBytes === null || file.size === sizeBytes)
          setOther(!isSame)
          if (isSame) onFile(file)
          event.currentTarget.value = ''
        }}
      />
      {isOther && (
        <p class="bad small" role="alert">
          That is another file: its name or size differs.
        </p>
      )}
    </>
  )
}
