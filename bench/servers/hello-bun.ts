import { serveWithBun } from "./support/bun.ts"
import { hello } from "./support/fetch.ts"

serveWithBun(hello)
