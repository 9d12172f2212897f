/** Writes GraphiQL's files next to the build output; run by `npm run build`. */
import { fileURLToPath } from 'node:url'
import { writeFiles } from './write-files.ts'

await writeFiles(fileURLToPath(new URL('files/', import.meta.url)))
