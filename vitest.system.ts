import { defineConfig } from "vitest/config"

/** The longer runs with real processes, one after the other: what they measure is not to be disturbed. */
export default defineConfig({
  test: {
    name: "system",
    include: ["test/system/*.test.ts", "packages/*/test/system/*.test.ts"],
    environment: "node",
    // A process starts in a third of the time that it takes from sources, and most tests start several.
    globalSetup: ["packages/cli/test/support/BundledCommand.ts", "test/system/support/BundledApplications.ts"],
    fileParallelism: false,
    testTimeout: 90_000,
    hookTimeout: 30_000
  }
})
