/** Tells those who do not see the page what has changed, when they are not listening to something else. */

export function Announcer({ words }: { readonly words: string }) {
  return (
    <p class="hidden-text" role="status" aria-live="polite">
      {words}
    </p>
  )
}
