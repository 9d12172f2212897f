/** Files that are dropped anywhere on the page. */
import { useEffect, useRef, useState } from 'preact/hooks'

/** Whether files are being dragged over the page. */
export function useDrop(onFiles: (files: readonly File[]) => void): boolean {
  const [isOver, setOver] = useState(false)
  const latest = useRef(onFiles)
  latest.current = onFiles
  useEffect(() => {
    const over = new AbortController()
    const { signal } = over
    const hasFiles = ({ dataTransfer }: DragEvent): boolean =>
      dataTransfer?.types.includes('Files') === true
    const enter = (event: DragEvent): void => {
      if (!hasFiles(event)) return
      // Otherwise the browser would open the file instead.
      event.preventDefault()
      setOver(true)
    }
    const leave = (event: DragEvent): void => {
      // Only where the pointer leaves the window, not one thing in it.
      if (event.relatedTarget === null) setOver(false)
    }
    const drop = (event: DragEvent): void => {
      if (!hasFiles(event)) return
      event.preventDefault()
      setOver(false)
      latest.current([...(event.dataTransfer?.files ?? [])])
    }
    addEventListener('dragenter', enter, { signal })
    addEventListener('dragover', enter, { signal })
    addEventListener('dragleave', leave, { signal })
    addEventListener('drop', drop, { signal })
    return () => over.abort()
  }, [])
  return isOver
}
