import { createServer } from "node:http"
import * as Contract from "./support/contract.ts"
import { listenOptions } from "./support/harness.ts"

createServer((_request, response) => {
  response.setHeader("Content-Type", Contract.contentType).end(Contract.greeting)
}).listen(listenOptions())
