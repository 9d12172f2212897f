/** Opens the database file, and says which variable to set where it cannot. */
import { codeOf } from './error-code.ts'

export function opening<T>(file: string, open: (file: string) => T): T {
  try {
    return open(file)
  } catch (error) {
    throw new Error(
      `Cannot open the database ${file} (${codeOf(error) ?? String(error)}). Set DATABASE_URL to file:PATH, a SQLite file in a folder that can be written.`,
      { cause: error },
    )
  }
}
