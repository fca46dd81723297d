/** The folder in which the workers of a server reach each other, made and checked by those who use it. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { mkdirSync } from "node:fs"
import { codeOf } from "../accept/ListenError.ts"
import { isPrivate } from "./PoolFolder.ts"

/** The workers of this server have no place to reach each other. */
export class PoolFolderError extends Schema.TaggedError<PoolFolderError>()("PoolFolderError", {
  folder: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return (
      `workers cannot reach each other: ${this.folder} ${this.reason}; ` +
      "let XDG_RUNTIME_DIR or TMPDIR name a folder of at most 50 bytes that the server can write to, and others cannot, " +
      "or have the sticky bit (chmod 1777)"
    )
  }
}

/**
 * Makes the folder, if no other worker has, and answers whether this one did; fails unless this user alone can enter it.
 * May be called again.
 */
export const claim = (folder: string): Effect.Effect<boolean, PoolFolderError> =>
  Effect.try({
    try: () => claimNow(folder),
    catch: (error) =>
      error instanceof PoolFolderError
        ? error
        : new PoolFolderError({ folder, reason: `cannot be made (${codeOf(error)})` })
  })

/** The same for those who are no effects; throws what the system says, or a `PoolFolderError`. */
export const claimNow = (folder: string): boolean => {
  let isNew = true
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error
    isNew = false
  }
  if (!isPrivate(folder)) throw new PoolFolderError({ folder, reason: "is not a folder of this user alone" })
  return isNew
}
