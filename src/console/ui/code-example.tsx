/** Code sample for `@headgate/client`. */

export function CodeExample() {
  const code = `import { createUploadClient } from '@headgate/client'

const client = createUploadClient({ url: '${location.origin}/graphql' })
const { video } = await client.upload(file)`
  return (
    <section class="from-code" aria-labelledby="code-title">
      <h2 id="code-title">From code</h2>
      <p class="muted">
        This page uses the same client as the example: <code>npm pack ./dist/npm/client</code> packs
        it in a clone of headgate. For GraphQL examples, open <a href="/graphql">GraphiQL</a>.
      </p>
      {/* Focusable, so that keyboard users can scroll it on small screens. */}
      <pre tabIndex={0} role="region" aria-label="Example">
        <code>{code}</code>
      </pre>
    </section>
  )
}
