/** Where the console begins. */
import { render } from 'preact'
import { createSession } from './session.ts'
import { Console } from './ui/app.tsx'

const callers = document.querySelector('meta[name="headgate-callers"]')?.getAttribute('content')
const place = document.querySelector('#console')
if (place !== null) render(<Console session={createSession(callers === 'token')} />, place)
