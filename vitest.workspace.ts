import { defineConfig } from "vitest/config"

const packages = ["core", "http1", "http2", "websocket", "node", "cli"]

/** Their modules hold nothing of one test that another could see, so that they are loaded once for each worker. */
const stateless = new Set(["core", "http1", "http2", "websocket"])

const project = (name: string, root: string) => ({
  test: { name, root, include: ["test/**/*.test.ts"], passWithNoTests: true, isolate: !stateless.has(name) }
})

/** One project per package, so that a failure names the package and `--project http1` runs one alone. */
export default defineConfig({
  test: {
    projects: [...packages.map((name) => project(name, `packages/${name}`)), project("scripts", "scripts")],
    passWithNoTests: true
  }
})
