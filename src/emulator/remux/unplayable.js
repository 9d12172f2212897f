// @ts-check
/** Thrown for a file that cannot be remuxed. The message is the reason, as a clause of a sentence. */
export class Unplayable extends Error {}
