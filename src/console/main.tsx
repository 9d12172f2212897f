/** Entry point of the console. */
import { render } from 'preact'
import { AUTH_META_NAME } from '../http/pages/auth-mode.ts'
import { createSession } from './session.ts'
import { App } from './ui/app.tsx'

const authMode = document.querySelector(`meta[name="${AUTH_META_NAME}"]`)?.getAttribute('content')
const root = document.querySelector('#console')
if (root !== null) render(<App session={createSession(authMode === 'token')} />, root)
