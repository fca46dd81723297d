import { hello } from "./support/fetch.ts"
import { serverArguments } from "./support/harness.ts"
import type { DenoGlobal } from "./support/runtimes.ts"

declare const Deno: DenoGlobal

Deno.serve({ port: serverArguments().port, hostname: "127.0.0.1", onListen: () => {} }, hello)
