import * as PagiApp from "@pagi/core/PagiApp"
import { application } from "./support/hono.ts"

// @hono/node-server replaces the global Response too, by default.
export default PagiApp.fromFetch(application, { lightResponse: true })
