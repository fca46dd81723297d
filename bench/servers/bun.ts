import { serveWithBun } from "./support/bun.ts"
import { answer } from "./support/fetch.ts"

serveWithBun(answer)
