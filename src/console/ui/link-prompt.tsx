/** What a link with a token does while somebody is signed in: a question, or why the token was not used. */
import { useEffect, useRef } from 'preact/hooks'
import type { LinkSignIn } from '../link-sign-in.ts'
import { useStore } from '../store.ts'

interface LinkPromptProps {
  readonly link: LinkSignIn
  /** The user signed in; null if nobody is. */
  readonly user: string | null
}

export function LinkPrompt({ link, user }: LinkPromptProps) {
  const prompt = useStore(link.prompt)
  const stayButton = useRef<HTMLButtonElement>(null)
  useEffect(() => stayButton.current?.focus(), [prompt])
  if (prompt === null) return null
  const isQuestion = prompt.kind === 'other-user'
  return (
    <section
      class="card link-prompt"
      role="group"
      aria-label="Upload link"
      onKeyDown={(event) => {
        if (event.key === 'Escape') link.dismiss()
      }}
    >
      {/* A name in `bdi` cannot reorder the sentence around it. */}
      <p role="alert">
        {user !== null && (
          <>
            You are signed in as{' '}
            <strong>
              <bdi>{user}</bdi>
            </strong>
            .{' '}
          </>
        )}
        {isQuestion ? (
          <>
            This link signs you in as{' '}
            <strong>
              <bdi>{prompt.user}</bdi>
            </strong>
            .
          </>
        ) : (
          `The link was not used: ${prompt.message}`
        )}
      </p>
      <div class="actions">
        {isQuestion && (
          <button type="button" class="strong" onClick={() => link.accept()}>
            Use the link
          </button>
        )}
        <button type="button" class="primary" ref={stayButton} onClick={() => link.dismiss()}>
          {isQuestion ? 'Stay' : 'Close'}
        </button>
      </div>
    </section>
  )
}
