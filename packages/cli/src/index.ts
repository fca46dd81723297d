export * as AppLoader from "./AppLoader.ts"
export * as AppLoadError from "./AppLoadError.ts"
export * as Directory from "./apps/Directory.ts"
export * as ExitCode from "./ExitCode.ts"
