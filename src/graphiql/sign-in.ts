/** Runs in GraphiQL's page: asks for a token if the gateway requires one, then starts GraphiQL. */
import {
  AUTH_META_NAME,
  TOKEN_EXPECTED,
  SESSION_TOKEN_KEY,
  rejectionOf,
  tokenIn,
} from '../http/pages/auth-mode.ts'

const QUERY = '{ __typename }'
const UNREACHABLE = 'The gateway is unreachable. Try again.'

const FORM = `
  <h1>Sign in to GraphiQL</h1>
  <p>This gateway requires a token: a JWT from your identity provider, or one that you sign with the gateway's AUTH_JWT_SECRET.</p>
  <label for="token">Token</label>
  <input id="token" type="password" autocomplete="off" spellcheck="false" aria-describedby="token-note" />
  <p class="error" role="alert"></p>
  <p id="token-note">The token stays in this tab, is shared with the console, and is sent to this gateway only.</p>
  <button>Sign in</button>`

type Render = (root: Element, options: object) => void

/** Called by the page instead of `render`. */
export async function start(render: Render, root: Element, options: object): Promise<void> {
  const meta = document.querySelector(`meta[name="${AUTH_META_NAME}"]`)
  if (meta?.getAttribute('content') !== 'token') return render(root, options)
  const token = await validToken(root)
  // Requests send these headers unless the Headers tab contains others. They are not shown, and not saved.
  render(root, { ...options, additionalHeaders: { authorization: `Bearer ${token}` } })
}

/** Resolves with a token that the gateway accepts: the console's, or one from the form. */
async function validToken(root: Element): Promise<string> {
  let token = sessionStorage.getItem(SESSION_TOKEN_KEY)
  let error = token === null ? null : await rejectionOf(token, QUERY, UNREACHABLE)
  while (token === null || error !== null) {
    token = await askForToken(root, error)
    error = await rejectionOf(token, QUERY, UNREACHABLE)
  }
  sessionStorage.setItem(SESSION_TOKEN_KEY, token)
  return token
}

/** Shows the form until the user enters a JWT. */
function askForToken(root: Element, error: string | null): Promise<string> {
  const form = document.createElement('form')
  form.className = 'sign-in'
  form.innerHTML = FORM
  const input = form.querySelector('input')
  const alert = form.querySelector('[role="alert"]')
  if (input === null || alert === null) throw new Error('The sign-in form is incomplete.')
  const show = (message: string | null): void => {
    alert.textContent = message
    input.setAttribute('aria-invalid', String(message !== null))
    input.focus()
  }
  const main = document.createElement('main')
  main.append(form)
  root.replaceChildren(main)
  show(error)
  return new Promise((resolve) => {
    form.addEventListener('submit', (event) => {
      event.preventDefault()
      const token = tokenIn(input.value)
      if (token === null) return show(TOKEN_EXPECTED)
      root.replaceChildren()
      resolve(token)
    })
  })
}
