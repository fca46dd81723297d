/**
 * What programs put around their applications, as the options of the same names do for the command. The innermost is put
 * first. What needs no server, such as these, works below `PagiApp.toHttpEffect` too.
 */
export { compress, type CompressSettings } from "../coding/compress.ts"
export type { SecurityPreset, SecuritySettings } from "../fields/SecurityFields.ts"
export { securityHeaders } from "../fields/securityHeaders.ts"
export { redirectToHttps, type RedirectSettings } from "../redirect/redirectToHttps.ts"
export { sendFiles } from "../sendfile/sendFiles.ts"
export { type CacheSettings } from "../static/CacheRule.ts"
export { RootError } from "../static/RootError.ts"
export { type Mount, type StaticFailure, staticFiles } from "../static/StaticFiles.ts"
