/** `@effect/platform-node` with this server in place of its own. */
export * from "@effect/platform-node"
export * as NodeHttpPlatform from "./NodeHttpPlatform.ts"
export * as NodeHttpServer from "./NodeHttpServer.ts"
