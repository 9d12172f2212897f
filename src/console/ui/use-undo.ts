/** Hook: undoes the last change of an upload's name or privacy. */
import { useClient } from '@urql/preact'
import { useState } from 'preact/hooks'
import type { Upload } from '../../client/client.ts'
import {
  type EditableSettings,
  type UploadChanges,
  changesBetween,
  settingsOf,
} from '../edit/editable-settings.ts'
import { saveChanges } from '../edit/save-changes.ts'

export interface Undo {
  /** Records a change that this page saved. */
  readonly record: (saved: Upload, before: EditableSettings) => void
  /** Whether the upload is still as this page has changed it. */
  readonly isPossible: (upload: Upload) => boolean
  /** Resolves with an error message; null after success. */
  readonly run: (upload: Upload) => Promise<string | null>
}

interface Change {
  readonly version: number
  /** What restores the upload. */
  readonly inverse: UploadChanges
}

export function useUndo(): Undo {
  const gateway = useClient()
  const [changes, setChanges] = useState<ReadonlyMap<string, Change>>(new Map())
  const find = ({ uid, version }: Upload): Change | null => {
    const change = changes.get(uid)
    return change?.version === version ? change : null
  }
  return {
    record(saved, before) {
      const inverse = changesBetween(settingsOf(saved), before)
      if (Object.keys(inverse).length === 0) return
      setChanges((all) => new Map([...all, [saved.uid, { version: saved.version, inverse }]]))
    },
    isPossible: (upload) => find(upload) !== null,
    async run(upload) {
      const change = find(upload)
      if (change === null) return null
      const { uid, version } = upload
      const outcome = await saveChanges(gateway, {
        uid,
        expectedVersion: version,
        ...change.inverse,
      })
      if (outcome.kind === 'saved') return null
      const reason =
        outcome.kind === 'conflict' ? 'It was changed elsewhere since.' : outcome.message
      return `The change was not undone. ${reason}`
    },
  }
}
