/** Sign-in form for the caller's token. */
import { useEffect, useRef, useState } from 'preact/hooks'

interface SignInProps {
  /** Error message for the last token; null without one. */
  readonly error: string | null
  readonly onToken: (token: string) => void
}

export function SignIn({ error, onToken }: SignInProps) {
  const [token, setToken] = useState('')
  const field = useRef<HTMLInputElement>(null)
  useEffect(() => field.current?.focus(), [error])
  return (
    <form
      class="card sign-in"
      onSubmit={(event) => {
        event.preventDefault()
        const value = token.trim().replace(/^Bearer +/i, '')
        if (value !== '') onToken(value)
      }}
    >
      <h1>Sign in to headgate</h1>
      <p class="muted">This gateway requires a token: a JWT from your identity provider.</p>
      <label for="token">Token</label>
      <input
        id="token"
        ref={field}
        type="password"
        autocomplete="off"
        spellcheck={false}
        value={token}
        aria-describedby="token-note"
        aria-invalid={error !== null}
        onInput={(event) => setToken(event.currentTarget.value)}
      />
      {error !== null && (
        <p class="bad" role="alert">
          {error}
        </p>
      )}
      <p class="muted small" id="token-note">
        The token stays in this tab and is sent to this gateway only.
      </p>
      <button type="submit" class="primary">
        Sign in
      </button>
    </form>
  )
}
