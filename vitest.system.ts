import { defineConfig } from "vitest/config"

/** The longer runs with real processes, one after the other: what they measure is not to be disturbed. */
export default defineConfig({
  test: {
    name: "system",
    include: ["test/system/*.test.ts", "packages/*/test/system/*.test.ts"],
    environment: "node",
    fileParallelism: false,
    testTimeout: 90_000,
    hookTimeout: 30_000
  }
})
