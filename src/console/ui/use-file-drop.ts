/** Hook: files that the user drops anywhere on the page. */
import { useEffect, useRef, useState } from 'preact/hooks'

/** Returns whether files are being dragged over the page. */
export function useFileDrop(onFiles: (files: readonly File[]) => void): boolean {
  const [isDragging, setDragging] = useState(false)
  const latest = useRef(onFiles)
  latest.current = onFiles
  useEffect(() => {
    const controller = new AbortController()
    const { signal } = controller
    const hasFiles = ({ dataTransfer }: DragEvent): boolean =>
      dataTransfer?.types.includes('Files') === true
    const enter = (event: DragEvent): void => {
      if (!hasFiles(event)) return
      // Otherwise the browser opens the file.
      event.preventDefault()
      setDragging(true)
    }
    const leave = (event: DragEvent): void => {
      // Null only when the pointer leaves the window, not an element in it.
      if (event.relatedTarget === null) setDragging(false)
    }
    const drop = (event: DragEvent): void => {
      if (!hasFiles(event)) return
      event.preventDefault()
      setDragging(false)
      latest.current([...(event.dataTransfer?.files ?? [])])
    }
    addEventListener('dragenter', enter, { signal })
    addEventListener('dragover', enter, { signal })
    addEventListener('dragleave', leave, { signal })
    addEventListener('drop', drop, { signal })
    return () => controller.abort()
  }, [])
  return isDragging
}
