/** `npm run build`: writes GraphiQL's files beside the built code. */
import { fileURLToPath } from 'node:url'
import { writeFiles } from './write-files.ts'

await writeFiles(fileURLToPath(new URL('files/', import.meta.url)))
