/**
 * What programs import from `@pagi/cli`: loading an application, serving a directory, and the exit codes of the
 * command.
 */
export * as AppLoader from "./application/AppLoader.ts"
export * as AppLoadError from "./application/AppLoadError.ts"
export * as Directory from "./directory/Directory.ts"
export * as ExitCode from "./program/ExitCode.ts"
export { type Config, defineConfig } from "./plan/defineConfig.ts"
