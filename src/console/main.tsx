/** Entry point of the console. */
import { render } from 'preact'
import { createSession } from './session.ts'
import { App } from './ui/app.tsx'

const authMode = document.querySelector('meta[name="headgate-auth"]')?.getAttribute('content')
const root = document.querySelector('#console')
if (root !== null) render(<App session={createSession(authMode === 'token')} />, root)
