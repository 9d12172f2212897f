/** Button that resumes an interrupted upload: the user selects the same file again. */
import { useRef, useState } from 'preact/hooks'
import type { Row } from '../rows/row.ts'
import { Icon } from './icon.tsx'

interface ReselectFileProps {
  readonly row: Row
  readonly onFile: (file: File) => void
}

export function ReselectFile({ row, onFile }: ReselectFileProps) {
  const input = useRef<HTMLInputElement>(null)
  const [isDifferent, setDifferent] = useState(false)
  const { name, fileName, sizeBytes } = row
  return (
    <>
      <button
        type="button"
        class="strong"
        onClick={() => input.current?.click()}
        aria-label={`Choose ${name} again to resume`}
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
          const isSame = file.name === fileName && (sizeBytes === null || file.size === sizeBytes)
          setDifferent(!isSame)
          if (isSame) onFile(file)
          event.currentTarget.value = ''
        }}
      />
      {isDifferent && (
        <p class="bad small" role="alert">
          This is a different file: its name or size does not match.
        </p>
      )}
    </>
  )
}
