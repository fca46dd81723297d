export * as AppLoader from "./application/AppLoader.ts"
export * as AppLoadError from "./application/AppLoadError.ts"
export * as Directory from "./directory/Directory.ts"
export * as ExitCode from "./program/ExitCode.ts"
