import { defineConfig } from 'drizzle-kit'

/** `npm run db:generate` writes what changed in the tables as the next migration. */
export default defineConfig({
  dialect: 'sqlite',
  schema: './src/store/sqlite/tables.ts',
  out: './migrations/sqlite',
})
