/** Compiled code that is kept on disk, which takes a third off the time to start. */
import module from "node:module"
import { join } from "node:path"
import * as UserFolder from "./UserFolder.ts"

/**
 * Keeps the code of what is imported from now on. `NODE_COMPILE_CACHE` names another folder. Node's own choice would be
 * one for all users, and whoever had made it could put code there that other users, and root, would run.
 */
export const enable = (): void => {
  const folder = UserFolder.own()
  if (folder !== undefined) module.enableCompileCache?.(join(folder, "compiled"))
}
