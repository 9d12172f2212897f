/** Builds the console into `dist`, where the gateway serves it, with the list of its GraphQL documents. */
import { fileURLToPath } from 'node:url'
import { type Plugin, defineConfig } from 'vite'
import * as documents from './data/documents.ts'

/** Writes `documents.json`, so that the gateway executes them while TRUSTED_DOCUMENTS is set. */
const listDocuments: Plugin = {
  name: 'list-documents',
  generateBundle() {
    const source = JSON.stringify(documents)
    this.emitFile({ type: 'asset', fileName: 'documents.json', source })
  },
}

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: '/console/',
  plugins: [listDocuments],
  build: {
    outDir: fileURLToPath(new URL('../../dist/console', import.meta.url)),
    emptyOutDir: true,
    assetsDir: '',
    // The content security policy forbids `data:` URLs.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2022',
  },
})
