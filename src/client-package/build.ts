/** Writes the frontend package to `dist/npm/client`; run by `npm run build`. */
import { fileURLToPath } from 'node:url'
import { writePackage } from './write-package.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
writePackage(root, fileURLToPath(new URL('../npm/client/', import.meta.url)))
