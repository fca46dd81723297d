import * as PagiApp from "@pagi/core/PagiApp"
import { application } from "./support/hono.ts"

// Both replace the global Response by default.
export default PagiApp.fromFetch(application)
