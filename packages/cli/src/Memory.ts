/** The memory of a process that has much to do when it starts, and next to nothing for as long as it runs. */
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"

/**
 * Gives back what only the start has needed, a few MiB. V8 would wait for more to come, which never does. Node has no
 * function for it; a collection can only be had by a flag, which is looked at when a context is made.
 */
export const release = (): void => {
  setFlagsFromString("--expose-gc")
  const collect: unknown = runInNewContext("gc")
  if (typeof collect === "function") collect()
  setFlagsFromString("--no-expose-gc")
}
