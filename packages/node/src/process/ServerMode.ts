import * as Context from "effect/Context"

/** Whether a server in one process is all that the process is for (`single`), or a part of somebody's program. */
export const ServerMode = Context.Reference<"single" | "embedded">("@pagi/node/ServerMode", {
  defaultValue: () => "embedded"
})
