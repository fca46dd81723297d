import { defineConfig } from "vitest/config"

const packages = ["core", "http1", "http2", "websocket", "node", "cli"]

const project = (name: string, root: string) => ({
  test: { name, root, include: ["test/**/*.test.ts"], passWithNoTests: true }
})

/** One project per package, so that a failure names the package and `--project http1` runs one alone. */
export default defineConfig({
  test: {
    projects: [...packages.map((name) => project(name, `packages/${name}`)), project("scripts", "scripts")],
    passWithNoTests: true
  }
})
