/** Milliseconds without a write after which an edit counts as complete. Editors write several times, and rename. */
export const quiet = 20
