/** The version of these packages, which all have the same one; a test compares it with what they say of themselves. */
export const version = "0.1.0"
