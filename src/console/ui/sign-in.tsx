/** Sign-in form for the caller's token. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { TOKEN_EXPECTED, tokenIn } from '../../http/pages/auth-mode.ts'

interface SignInProps {
  /** Error message for the last token; null without one. */
  readonly error: string | null
  readonly onToken: (token: string) => void
}

export function SignIn({ error: rejection, onToken }: SignInProps) {
  const [text, setText] = useState('')
  const [isNoToken, setNoToken] = useState(false)
  const field = useRef<HTMLInputElement>(null)
  const error = isNoToken ? TOKEN_EXPECTED : rejection
  useEffect(() => field.current?.focus(), [error])
  return (
    <form
      class="card sign-in"
      onSubmit={(event) => {
        event.preventDefault()
        const token = tokenIn(text)
        setNoToken(token === null)
        if (token !== null) onToken(token)
      }}
    >
      <h1>Sign in to headgate</h1>
      <p class="muted">
        This gateway requires a token: a JWT from your identity provider, or one that you sign with
        the gateway's AUTH_JWT_SECRET.
      </p>
      <label for="token">Token</label>
      <input
        id="token"
        ref={field}
        type="password"
        autocomplete="off"
        spellcheck={false}
        value={text}
        aria-describedby="token-note"
        aria-invalid={error !== null}
        onInput={(event) => setText(event.currentTarget.value)}
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
